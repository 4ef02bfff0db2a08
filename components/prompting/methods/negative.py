"""Negative prompting: the instruction, and what the answer must not be. One call."""

from components.core import Prompt

from ..elements import Elements, Example

DO_NOT = {
    "question_answering": (
        "Do not explain. Do not repeat the question. Do not write a full sentence. Do not use anything but the passage."
    ),
    "classification": "Do not explain. Do not add words. Do not judge by one word alone.",
    "summarization": "Do not add facts or opinions. Do not copy whole paragraphs. Do not begin with 'This document'.",
}


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """The instruction with prohibitions, the case at hand; `examples` are not used."""
    return elements.prompt("negative", elements.turn(elements.instruction, DO_NOT[elements.kind], elements.asked))
