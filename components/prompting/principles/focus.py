"""Focus: what an answer is about, and that the rest is left out."""

from collections.abc import Sequence

from components.core import Row, Task

from ..elements import Elements
from ..sentences import said


def add(elements: Elements, task: Task, rows: Sequence[Row]) -> Elements:
    """The sentence that the kind of task has for it. `rows` are not used."""
    sentence = said(task, "focus")
    return elements.with_added("focus", sentence) if sentence else elements
