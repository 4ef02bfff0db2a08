"""Prompt chaining: one call narrows the material down, the next answers from what it found (Wu et al. 2022). Two calls."""

from components.core import Prompt

from ..elements import Elements, Example

NARROW = {
    "question_answering": "Copy the one sentence of the passage that answers the question.",
    "classification": "Copy the words of the text that show most clearly which label fits.",
    "summarization": "List the main points of the document in a few words each.",
}
FOUND = {"question_answering": "Passage", "classification": "Key words", "summarization": "Main points"}
NO_PASSAGE = "Name the facts that answer the question."


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """One turn that finds the sentence, words or points, one that answers from them alone; `examples` are not used."""
    narrowing = NO_PASSAGE if elements.kind == "question_answering" and not elements.context else NARROW[elements.kind]
    case = f"{elements.context}\n{elements.input}".strip()
    find = elements.turn(narrowing, case, tokens=elements.thinking_tokens)
    material = f"{FOUND[elements.kind]}: {{{{previous}}}}"
    asked = f"\n{elements.input}" if elements.kind == "question_answering" else ""
    answer = elements.turn(elements.instruction, f"{material}{asked}\n{elements.output_indicator}")
    return elements.prompt("chaining", find, answer)
