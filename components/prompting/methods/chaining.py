"""Prompt chaining: one call narrows the material down, the next answers from what it found (Wu et al. 2022). Two calls."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """One turn that finds the sentence, words or points, one that answers from them alone; `examples` are not used."""
    without = "" if elements.context else elements.words("chaining", "narrow_without_context")
    narrowing = without or elements.words("chaining", "narrow")
    case = f"{elements.context}\n{elements.input}".strip()
    find = elements.turn(narrowing, case, tokens=elements.thinking_tokens)
    material = f"{elements.words('chaining', 'found') or 'Notes'}: {{{{previous}}}}"
    asked = f"\n{elements.input}" if elements.asks else ""
    answer = elements.turn(elements.instruction, f"{material}{asked}\n{elements.output_indicator}")
    return elements.prompt("chaining", find, answer)
