"""Condition checks: what the model does where the input does not hold what the task takes for granted.

Where the task abstains, the eight elements already say with which words (in `format`); this asks to check first.
"""

from collections.abc import Sequence

from components.core import Row, Task

from ..elements import Elements
from ..sentences import said


def add(elements: Elements, task: Task, rows: Sequence[Row]) -> Elements:
    """The sentence that the kind of task has for it. `rows` are not used."""
    sentence = said(task, "condition")
    return elements.with_added("condition", sentence) if sentence else elements
