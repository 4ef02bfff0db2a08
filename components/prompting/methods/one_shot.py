"""One-shot: the instruction and a single solved example (Brown et al. 2020). One call, a longer prompt."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """The instruction, the first of `examples` as a chat turn, the case at hand."""
    used = examples[:1]
    return elements.prompt("one_shot", elements.turn_with(used, elements.instruction), examples=used)
