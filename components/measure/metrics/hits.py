"""Where the passage that a question is about stands among those that were retrieved; no value where nothing was searched."""

from collections.abc import Sequence

from . import Case, Definition


def reciprocal_rank(passages: Sequence[str], wanted: str) -> float:
    """1 / rank of `wanted` among `passages`; 0 where it is missing."""
    return 1 / (list(passages).index(wanted) + 1) if wanted in passages else 0.0


def _rank(case: Case) -> float | None:
    return reciprocal_rank(case.passages, case.row.passage) if case.row.passage and case.passages is not None else None


def _first(case: Case) -> float | None:
    return None if (rank := _rank(case)) is None else float(rank == 1)


def _of_five(case: Case) -> float | None:
    return None if (rank := _rank(case)) is None else float(rank >= 1 / 5)


NAMES = ("hit@1", "hit@5", "mrr")
METRICS = (
    Definition(
        name="hit@1", meaning="share of questions whose right passage is found first", per_example=_first, is_goal=False
    ),
    Definition(
        name="hit@5",
        meaning="share of questions whose right passage is among the first five",
        per_example=_of_five,
        is_goal=False,
    ),
    Definition(name="mrr", meaning="one over the rank of the right passage, on average", per_example=_rank, is_goal=False),
)
