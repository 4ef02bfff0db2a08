"""F1 of semantic roles: arguments that have the right span, role and predicate (the measure of the CoNLL-2005 shared task,
Carreras and Marquez 2005, aclanthology.org/W05-0620, in which predicates themselves do not count).

A span is one of the input (components/text/marks.py). Over a table arguments of all texts are counted together, as that task
does; `text_role_f1` is that of one text. Where neither side has an argument, F1 is 1.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from components.core import Example
from components.tasks.semantic_roles import LABEL, PREDICATE, by_number
from components.text import places

from ..statistic import Statistic
from . import Case, Definition

if TYPE_CHECKING:
    import numpy as np

Span = tuple[int, int]
Argument = tuple[Span | None, str, Span]
"""(its predicate, role, where it stands); None where no predicate has its number"""


def arguments(text: str, marked: str) -> tuple[set[Argument], set[Span]]:
    """(the arguments, the predicates) that `marked` has in `text`."""
    named = by_number(places(text, marked, LABEL))
    predicates: dict[str, Span] = {}
    for number, role, mark in named:
        if role == PREDICATE:
            predicates.setdefault(number, (mark.start, mark.end))
    found = {(predicates.get(number), role, (mark.start, mark.end)) for number, role, mark in named if role != PREDICATE}
    return found, set(predicates.values())


def _counts(text: str, answer: str, reference: str) -> list[float]:
    """(right, answered, wanted) of arguments, and of predicates"""
    (said, predicates), (wanted, true) = arguments(text, answer), arguments(text, reference)
    of_predicates = (len(predicates & true), len(predicates), len(true))
    return [float(count) for count in (len(said & wanted), len(said), len(wanted), *of_predicates)]


def _f1(sums: "np.ndarray") -> "np.ndarray":
    """2 right / (answered + wanted), over the last axis."""
    import numpy as np

    right, said = 2 * sums[..., 0], sums[..., 1] + sums[..., 2]
    return np.divide(right, said, out=np.ones_like(said), where=said > 0)


def _of_arguments(sums: "np.ndarray") -> "np.ndarray":
    return _f1(sums[..., :3])


def _of_predicates(sums: "np.ndarray") -> "np.ndarray":
    return _f1(sums[..., 3:])


def _over(of: Callable[["np.ndarray"], "np.ndarray"], rows: Sequence[Example]) -> Statistic:
    import numpy as np

    counts = [_counts(row["text"], row["answer"], row["reference"]) for row in rows]
    return Statistic(np.array(counts, dtype=float).reshape(-1, 6), of)


def _of_text(case: Case) -> float:
    import numpy as np

    return float(_of_arguments(np.array(_counts(case.row.text, case.text, case.row.answer))))


NAMES = ("role_f1", "predicate_f1", "text_role_f1")
METRICS = (
    Definition(
        name="role_f1",
        meaning="F1 of arguments with the right span, role and predicate",
        over_table=partial(_over, _of_arguments),
    ),
    Definition(name="predicate_f1", meaning="F1 of predicates", over_table=partial(_over, _of_predicates), is_goal=False),
    Definition(name="text_role_f1", meaning="role_f1 text by text, averaged", per_example=_of_text),
)
