"""Whether an answer is the reference: `exact_match` of questions, over the words that are scored; `accuracy` of labels, of
the one label that the answer is."""

from components.text import label_of, same, scored

from . import Case, Definition


def _same(case: Case) -> float:
    return float(scored(case.text) == scored(case.row.answer))


def _label(case: Case) -> float:
    label = label_of(case.task.labels, case.text)
    return float(label is not None and same(label) == same(case.row.answer))


NAMES = ("exact_match", "accuracy")
METRICS = (
    Definition(
        name="exact_match",
        meaning="share of answers equal to the reference, up to case, articles and punctuation",
        per_example=_same,
    ),
    Definition(name="accuracy", meaning="share of texts with the right label", per_example=_label),
)
