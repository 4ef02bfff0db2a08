"""Sentence BLEU in [0, 1] by sacrebleu, effective order (short answers have no four-grams), exponential smoothing."""

from functools import cache
from typing import Any

from . import Case, Definition


def bleu(answer: str, reference: str) -> float:
    """BLEU of one answer."""
    return min(1.0, float(_bleu().sentence_score(answer, [reference]).score / 100))  # equal texts have 100.00000000000004


@cache
def _bleu() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(effective_order=True)


def _of(case: Case) -> float:
    return bleu(case.text, case.row.answer)


METRICS = (Definition(name="bleu", per_example=_of),)
