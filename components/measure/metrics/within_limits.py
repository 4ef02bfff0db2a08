"""Whether an answer is as long as the contract's `task.at_least` and `task.at_most` say, in words, sentences or characters
of any script."""

from collections.abc import Mapping

from components.tasks import BOUNDS, bounds_of
from components.text import LENGTHS

from . import Case, Definition


def within(answer: str, bounds: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether `answer` keeps all of `bounds` ({"at_most": {"words": 30}}) and says anything at all."""
    longest, shortest = bounds.get("at_most", {}), bounds.get("at_least", {})
    return (
        bool(answer.strip())
        and all(LENGTHS[unit](answer) <= most for unit, most in longest.items())
        and all(LENGTHS[unit](answer) >= least for unit, least in shortest.items())
    )


def _of(case: Case) -> float | None:
    bounds = bounds_of(case.task)
    return float(within(case.text, bounds)) if bounds else None


METRICS = (
    Definition(
        name="within_limits",
        meaning="share of answers as long as `task.at_least` and `task.at_most` allow",
        per_example=_of,
        is_goal=False,
        needs=tuple(BOUNDS),
    ),
)
