"""Structured output: the form of the answer shown, where its kind of task has one (the JSON with its keys and types)."""

from collections.abc import Sequence

from components.core import Row, Task
from components.tasks import kind_of

from ..elements import Elements


def add(elements: Elements, task: Task, rows: Sequence[Row]) -> Elements:
    """The form behind the sentence that tells it. `rows` are not used."""
    form = kind_of(task.kind).words.form(task)
    return elements.with_added("form", form) if form else elements
