"""Greedy search over elements: each is added in turn to the best prompt so far, and stays where validation says so.

One measurement an element, on the rows of the last round. Sets of elements are not searched (2^n of them), and an element
that pays only beside one that comes later is not found.
"""

from collections.abc import Callable, Sequence

from components.core import Candidate, Evidence, Metrics, Row, Task

from .drafts import Draft
from .halving import key, row


def grow(
    draft: Draft,
    candidate: Candidate,
    evidence: Evidence,
    principles: Sequence[str],
    *,
    task: Task,
    train: Sequence[Row],
    metrics: Metrics,
    number: int,
    rows: int,
    measure: Callable[[Candidate], Evidence],
) -> tuple[Draft, Evidence, list[dict[str, object]]]:
    """(The draft with the elements that stay, its evidence, a row for each that was tried).

    evidence: of `candidate` with the prompt of `draft`, on the rows that `measure` asks
    number:   what the rows of the table have as their round
    rows:     of validation, so many
    """
    best, table = draft.of(candidate), list[dict[str, object]]()
    for principle in principles:
        more = draft.plus(principle, task, train)
        if more is None:
            continue
        tried = more.of(candidate)
        found = measure(tried)
        better = key(tried, found, metrics, "")[:2] > key(best, evidence, metrics, "")[:2]
        table.append(row(number, rows, tried, found, metrics, better))
        if better:
            draft, best, evidence = more, tried, found
    return draft, evidence, table
