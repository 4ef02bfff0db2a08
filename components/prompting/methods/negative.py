"""Negative prompting: the instruction, and what the answer must not be. One call."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """The instruction with prohibitions, the case at hand; `examples` are not used."""
    return elements.prompt(
        "negative", elements.turn(elements.instruction, elements.words("negative", "do_not"), elements.asked)
    )
