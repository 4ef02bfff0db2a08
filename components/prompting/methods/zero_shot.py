"""Zero-shot: persona, task and format, no example (Brown et al. 2020). One call."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """The instruction and the case at hand; `examples` are not used."""
    return elements.prompt("zero_shot", elements.turn(elements.instruction, elements.asked))
