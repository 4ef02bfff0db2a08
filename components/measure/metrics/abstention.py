"""How rightly an application says that there is no answer."""

from . import Case, Definition


def _precision(case: Case) -> float | None:
    """Of the abstentions, the share that is right."""
    return float(case.unanswerable) if case.abstained else None


def _recall(case: Case) -> float | None:
    """Of the questions without an answer, the share that is abstained from."""
    return float(case.abstained) if case.unanswerable else None


def _rate(case: Case) -> float | None:
    return float(case.abstained) if case.task.abstain is not None else None


NAMES = ("abstention_precision", "abstention_recall", "abstention_rate")
METRICS = (
    Definition(
        name="abstention_precision",
        meaning="share without an answer of the questions declined",
        per_example=_precision,
        is_goal=False,
        needs=("abstain",),
    ),
    Definition(
        name="abstention_recall",
        meaning="share declined of the questions that have no answer",
        per_example=_recall,
        is_goal=False,
        needs=("abstain",),
    ),
    # a description: neither more nor less of it is better
    Definition(
        name="abstention_rate",
        meaning="share declined of all questions (neither good nor bad)",
        per_example=_rate,
        more_is_better=False,
        is_goal=False,
        needs=("abstain",),
    ),
)
