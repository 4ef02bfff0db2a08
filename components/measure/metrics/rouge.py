"""ROUGE F-measures (Lin 2004) by rouge-score, over words of any script, unstemmed."""

from functools import cache, partial
from typing import TYPE_CHECKING

from components.text import words

from . import Case, Definition

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer


def rouge(answer: str, reference: str, kind: str) -> float:
    """ROUGE F-measure of `kind`: rouge1, rouge2 or rougeL."""
    return float(_rouge(kind).score(reference, answer)[kind].fmeasure)


@cache
def _rouge(kind: str) -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind], tokenizer=_Words())


class _Words:
    """What rouge-score calls a tokenizer; its own knows a to z."""

    def tokenize(self, text: str) -> list[str]:
        return list(words(text))


def _of(kind: str, case: Case) -> float:
    return rouge(case.text, case.row.answer, kind)


NAMES = ("rouge_1", "rouge_2", "rouge_l")
METRICS = (
    Definition(name="rouge_1", per_example=partial(_of, "rouge1")),
    Definition(name="rouge_2", per_example=partial(_of, "rouge2")),
    Definition(name="rouge_l", meaning="longest common run of words, as F-measure", per_example=partial(_of, "rougeL")),
)
