"""Hybrid: prohibitions, a few solved examples, and the format said again where the answer goes. One call."""

from components.core import Prompt

from ..elements import Elements, Example
from .negative import DO_NOT

SHOWN = 2
"""Examples: fewer than few_shot's, since the prohibitions take room too."""


def build(elements: Elements, examples: list[Example]) -> Prompt:
    """The task with prohibitions, two of `examples`, the format, the case at hand."""
    used = examples[:SHOWN]
    shown = [elements.shown(example) for example in used]
    turn = elements.turn(elements.task, DO_NOT[elements.kind], *shown, elements.format, elements.asked)
    return elements.prompt("hybrid", turn, examples=used)
