"""chrF2 (Popović 2015, character n-grams up to 6, recall weighs twice) by sacrebleu, in [0, 1].

`chrf` is the mean over texts, which a paired test needs; `corpus_chrf` sums the counts of all texts first, as sacrebleu's
`corpus_score` and published tables do, so that long texts weigh more. Texts are compared in canonical form (NFC).
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from components.core import Example
from components.text import same

from ..statistic import Statistic
from . import Case, Definition

if TYPE_CHECKING:
    import numpy as np
    from sacrebleu.metrics import CHRF


def chrf(answer: str, reference: str) -> float:
    """chrF2 of one answer."""
    return float(_chrf().sentence_score(same(answer), [same(reference)]).score / 100)


def corpus_chrf(rows: Sequence[Example]) -> Statistic:
    """chrF2 of all answers together, from summed counts."""
    import numpy as np

    # sacrebleu has no public way to the counts of a text
    of_texts = [_chrf()._extract_corpus_statistics([same(row["answer"])], [[same(row["reference"])]])[0] for row in rows]

    def of(sums: "np.ndarray") -> "np.ndarray":
        return np.apply_along_axis(lambda counts: _chrf()._compute_f_score(counts.tolist()), -1, sums) / 100

    return Statistic(np.array(of_texts, dtype=float), of)


@cache
def _chrf() -> "CHRF":
    from sacrebleu.metrics import CHRF

    return CHRF()


def _of(case: Case) -> float:
    return chrf(case.text, case.row.answer)


NAMES = ("chrf", "corpus_chrf")
METRICS = (
    Definition(name="chrf", meaning="shared runs of one to six characters (chrF2), text by text", per_example=_of),
    Definition(name="corpus_chrf", meaning="chrF2 over all texts together", over_table=corpus_chrf),
)
