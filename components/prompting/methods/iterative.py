"""Iterative refinement: answer, then check the draft and answer again (Self-Refine, Madaan et al. 2023). Two calls."""

from components.core import Prompt

from ..elements import Elements, Example

CHECK = {
    "question_answering": "Check the draft: is it right, and is it as short as it can be? Give the corrected answer only.",
    "classification": "Check the draft: does the text as a whole support it? Give the corrected label only.",
    "summarization": "Check the draft: does it keep the main point and nothing that the document does not say? Improve it.",
}


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """One turn that drafts, one that corrects the draft; `examples` are not used."""
    draft = elements.turn(elements.instruction, elements.asked)
    case = f"{elements.context}\n{elements.input}\nDraft: {{{{previous}}}}".strip()
    check = elements.turn(elements.instruction, case, CHECK[elements.kind], elements.output_indicator)
    return elements.prompt("iterative", draft, check)
