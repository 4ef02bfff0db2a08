"""Iterative refinement: answer, then check the draft and answer again (Self-Refine, Madaan et al. 2023). Two calls."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """One turn that drafts, one that corrects the draft; `examples` are not used."""
    draft = elements.turn(elements.instruction, elements.asked)
    case = f"{elements.context}\n{elements.input}\nDraft: {{{{previous}}}}".strip()
    check = elements.turn(elements.instruction, case, elements.words("iterative", "check"), elements.output_indicator)
    return elements.prompt("iterative", draft, check)
