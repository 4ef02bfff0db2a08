"""Hybrid: few-shot and negative prompting together, with half of the examples. One call."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """The instruction with prohibitions, the first half of `examples` as chat turns, the case at hand."""
    used = examples[: (len(examples) + 1) // 2]
    turn = elements.turn_with(used, elements.instruction, elements.words("negative", "do_not"))
    return elements.prompt("hybrid", turn, examples=used)
