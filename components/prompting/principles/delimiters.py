"""Marks around input and context that no text can close (components/text/fenced.py), and what they mean."""

from collections.abc import Sequence

from components.core import Row, Task

from ..elements import Elements


def add(elements: Elements, task: Task, rows: Sequence[Row]) -> Elements:
    """Everything that fills a field, solved examples included, between marks. `task` and `rows` are not used."""
    return elements.with_added("delimiters", "", delimited=True)
