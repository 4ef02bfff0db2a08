"""Few-shot: the instruction and every solved example (Brown et al. 2020). One call, the longest prompt."""

from components.core import Prompt

from ..elements import Elements, Example


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """The instruction, all `examples` as chat turns, the case at hand."""
    return elements.prompt("few_shot", elements.turn_with(examples, elements.instruction), examples=examples)
