"""Sentence BLEU in [0, 1] by sacrebleu, effective order (short answers have no four-grams), exponential smoothing.

Its tokenizer: 13a; zh for Chinese; for Japanese, Thai and other scripts without spaces, the words that ICU cuts.
"""

from functools import cache
from typing import TYPE_CHECKING

import regex

from components.text import same, words

from . import Case, Definition

if TYPE_CHECKING:
    from sacrebleu.metrics import BLEU

_UNSPACED = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_HAN = regex.compile(r"\p{Han}")


def bleu(answer: str, reference: str) -> float:
    """BLEU of one answer."""
    metric, answered, wanted = _cut(answer, reference)
    return min(1.0, float(metric.sentence_score(answered, [wanted]).score / 100))  # equal texts have 100.00000000000004


def counts(answer: str, reference: str) -> list[int]:
    """What a corpus's BLEU sums: right n-grams of order 1 to 4, n-grams of order 1 to 4, words, words of the reference."""
    metric, answered, wanted = _cut(answer, reference)
    score = metric.corpus_score([answered], [[wanted]])
    return [*score.counts, *score.totals, score.sys_len, score.ref_len]


def _cut(answer: str, reference: str) -> tuple["BLEU", str, str]:
    """The metric that cuts texts in the reference's script, and both texts for it."""
    answered, wanted = same(answer), same(reference)
    if _UNSPACED.search(wanted):
        return _bleu("none"), " ".join(words(answered)), " ".join(words(wanted))
    return _bleu("zh" if _HAN.search(wanted) else "13a"), answered, wanted


@cache
def _bleu(tokenizer: str) -> "BLEU":
    from sacrebleu.metrics import BLEU

    return BLEU(effective_order=True, tokenize=tokenizer)


def _of(case: Case) -> float:
    return bleu(case.text, case.row.answer)


METRICS = (Definition(name="bleu", meaning="shared runs of one to four words", per_example=_of),)
