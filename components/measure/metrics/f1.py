"""Token F1 of short answers (SQuAD: Rajpurkar et al. 2016), over the words that are scored (components.text)."""

from collections import Counter

from components.text import scored

from . import Case, Definition


def f1(answer: str, reference: str) -> float:
    """Token F1 of two texts over their scored words; two empty texts agree."""
    answered, wanted = scored(answer), scored(reference)
    if not answered or not wanted:
        return float(answered == wanted)
    shared = sum((Counter(answered) & Counter(wanted)).values())
    return 2 * shared / (len(answered) + len(wanted))


def _f1(case: Case) -> float:
    return f1(case.text, case.row.answer)


def _answerable(case: Case) -> float | None:
    return None if case.unanswerable else _f1(case)


NAMES = ("f1", "f1_answerable")
METRICS = (
    Definition(name="f1", meaning="the same on all questions, where declining rightly counts 1", per_example=_f1),
    Definition(
        name="f1_answerable",
        meaning="overlap of the words of answer and reference (token F1), on questions that have an answer",
        per_example=_answerable,
    ),
)
