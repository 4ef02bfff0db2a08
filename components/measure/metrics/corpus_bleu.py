"""BLEU of all answers together (Papineni et al. 2002), as sacrebleu's `corpus_score`, in [0, 1]: the figure of published
tables. `bleu` is the mean over texts. Texts are cut into words as there: 13a, zh, or ICU's words.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import Example

from ..statistic import Statistic
from . import Definition
from .bleu import counts

if TYPE_CHECKING:
    import numpy as np


def corpus_bleu(rows: Sequence[Example]) -> Statistic:
    """From summed counts: n-grams of order 1 to 4 that are right, n-grams that there are, words, words of the reference."""
    import numpy as np

    columns = np.array([counts(row["answer"], row["reference"]) for row in rows], dtype=float)
    return Statistic(columns, lambda sums: np.apply_along_axis(_score, -1, sums))


def _score(sums: "np.ndarray") -> float:
    from sacrebleu.metrics import BLEU

    *both, words, wanted = map(round, sums.tolist())  # counts, which BLEUScore prints as such
    score = BLEU.compute_bleu(both[:4], both[4:], words, wanted, smooth_method="exp").score
    return min(1.0, score / 100)  # equal texts have 100.00000000000004


METRICS = (Definition(name="corpus_bleu", meaning="BLEU over all texts together", over_table=corpus_bleu),)
