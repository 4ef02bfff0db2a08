"""Tests of a mean of few, lopsided values in [-1, 1], by Gaffke's bound.

Where most answers gain a little and a rare one loses all, a sample may lack the losses by luck; its own spread does not
show that, and t-tests, bootstraps and sign flips take the luck for a gain (measured in bench/statistics.py: 17 % false
promotions of 60 rows). The bound (Gaffke 2005; Learned-Miller and Thomas 2020, arXiv:1905.06208) adds one row of the worst
possible difference, and weighs all rows by the uniform Dirichlet distribution. On values of two kinds it is Clopper and
Pearson's exact bound; on others its level is not proven here but simulated in the same place.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from .intervals import BLOCK

if TYPE_CHECKING:
    import numpy as np

DRAWS = 4_999


def tails(differences: Sequence[float], margin: float = 0.0) -> tuple[float, float]:
    """One-sided p-values (of "the mean lies at -margin or below", of "at -margin or above"). differences: in [-1, 1]."""
    import numpy as np

    assert max(map(abs, differences)) <= 1 + 1e-9, "bounded_mean: a difference of metrics beyond [-1, 1]"
    excess = np.array(differences) + margin
    below, above, drawn = 0, 0, 0
    for weights in _weights(len(excess)):
        middle = weights[:, 1:] @ excess
        below += int((middle + weights[:, 0] * (margin - 1) <= 0).sum())
        above += int((middle + weights[:, 0] * (margin + 1) >= 0).sum())
        drawn += len(weights)
    return (below + 1) / (drawn + 1), (above + 1) / (drawn + 1)


def _weights(rows: int) -> "Iterator[np.ndarray]":
    """Dirichlet weights of `rows` and one more, not normalised: [draws, rows + 1] in blocks; equal for equal sizes."""
    block = max(1, min(DRAWS, BLOCK // (rows + 1)))
    return (_drawn(rows + 1, start, min(block, DRAWS - start)) for start in range(0, DRAWS, block))


@lru_cache(maxsize=4)
def _drawn(width: int, start: int, count: int) -> "np.ndarray":
    import numpy as np

    return np.random.default_rng([width, start]).standard_exponential((count, width))
