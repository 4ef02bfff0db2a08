"""Limits: how long an answer may be, as long as 19 of 20 answers of the training rows are.

Where the contract has its own (`task.at_most`, `task.at_least`), every prompt says them already. Not covered: limits
that hold whatever the model does (the longest answer in tokens).
"""

from collections.abc import Sequence

from components.core import Row, Task
from components.tasks import bounds_of, kind_of
from components.text import count

from ..elements import Elements

SHARE = 0.95


def add(elements: Elements, task: Task, rows: Sequence[Row]) -> Elements:
    """ "Use at most n words." Not for labels, programs and answers with a form of their own."""
    kind = kind_of(task.kind)
    if not rows or task.labels or kind.formed or kind.tested or bounds_of(task):
        return elements
    lengths = sorted(count(row.answer) for row in rows)
    most = lengths[min(len(lengths) - 1, int(SHARE * len(lengths)))]
    return elements.with_added("limits", f"Use at most {most} word{'s' if most > 1 else ''}.")
