"""Whether an answer is the reference, after `normalise`: `exact_match` of questions, `accuracy` of labels."""

from ..normalise import normalise
from . import Case, Definition


def _same(case: Case) -> float:
    return float(normalise(case.text) == normalise(case.row.answer))


NAMES = ("exact_match", "accuracy")
METRICS = (
    Definition(name="exact_match", per_example=_same),
    Definition(name="accuracy", per_example=_same),
)
