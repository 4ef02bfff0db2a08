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
    answered, wanted = same(answer), same(reference)
    if _UNSPACED.search(wanted):
        tokenizer, answered, wanted = "none", " ".join(words(answered)), " ".join(words(wanted))
    else:
        tokenizer = "zh" if _HAN.search(wanted) else "13a"
    score = _bleu(tokenizer).sentence_score(answered, [wanted]).score
    return min(1.0, float(score / 100))  # equal texts have 100.00000000000004


@cache
def _bleu(tokenizer: str) -> "BLEU":
    from sacrebleu.metrics import BLEU

    return BLEU(effective_order=True, tokenize=tokenizer)


def _of(case: Case) -> float:
    return bleu(case.text, case.row.answer)


METRICS = (Definition(name="bleu", per_example=_of),)
