"""Tests of a mean of few, lopsided values in [-1, 1], by Gaffke's bound.

Where most answers gain a little and a rare one loses all, a sample may lack the losses by luck; its own spread does not
show that, and t-tests, bootstraps and sign flips take the luck for a gain (measured in bench/statistics.py: 17 % false
promotions of 60 rows). The bound (Gaffke 2005; Learned-Miller and Thomas 2020, arXiv:1905.06208) adds one row of the worst
possible difference, and weighs all rows by the uniform Dirichlet distribution. On values of two kinds it is Clopper and
Pearson's exact bound; on others its level is not proven here but simulated in the same place. `tails` gives its p-values,
`furthest` the value at which it stops excluding.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

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


def furthest(values: "Sequence[float] | np.ndarray", level: float, worst: float) -> Any:
    """The mean furthest towards `worst` that a one-sided test at `level` does not exclude.

    values: one sample [n], gives a float; or samples of one size [samples, n], gives [samples]
    worst:  the value of the added row: the end of the range of the values, towards which the mean is bounded

    Where a sample has at most one other value the limit is Clopper and Pearson's, computed exactly.
    """
    import numpy as np

    samples = np.atleast_2d(np.asarray(values, dtype=float))
    others = np.where(samples == worst, np.nan, samples)
    counted = (samples == worst).sum(1)
    with np.errstate(all="ignore"):
        most = np.fmax.reduce(others, axis=1)
        alike = (counted == samples.shape[1]) | (most == np.fmin.reduce(others, axis=1))
    limits = np.empty(len(samples))
    limits[alike] = _of_two_kinds(np.nan_to_num(most[alike], nan=worst), counted[alike], samples.shape[1], level, worst)
    if not alike.all():
        limits[~alike] = _drawn_limit(samples[~alike], level, worst)
    return limits if np.ndim(values) == 2 else float(limits[0])


def _of_two_kinds(other: "np.ndarray", counted: "np.ndarray", n: int, level: float, worst: float) -> "np.ndarray":
    """`furthest` of samples with `counted` values of `worst`, the rest being `other`."""
    import numpy as np
    from scipy.stats import beta

    share = np.where(counted < n, beta.ppf(1 - level, counted + 1, np.maximum(n - counted, 1)), 1.0)
    limit: np.ndarray = other + (worst - other) * share
    return limit


def _drawn_limit(samples: "np.ndarray", level: float, worst: float) -> "np.ndarray":
    import numpy as np

    parts = []
    for weights in _weights(samples.shape[1]):
        total = weights.sum(1, keepdims=True)
        parts.append((weights[:, 1:] @ samples.T + weights[:, :1] * worst) / total)
    means = np.concatenate(parts)
    # the p-value of a mean is (draws beyond it + 1) / (draws + 1)
    beyond = max(1, int(level * (len(means) + 1) + 1e-9))
    away = np.partition(np.abs(worst - means), beyond - 1, axis=0)[beyond - 1]
    limit: np.ndarray = worst - np.sign(worst - samples.mean(1)) * away
    return limit


def _weights(rows: int) -> "Iterator[np.ndarray]":
    """Dirichlet weights of `rows` and one more, not normalised: [draws, rows + 1] in blocks; equal for equal sizes."""
    block = max(1, min(DRAWS, BLOCK // (rows + 1)))
    return (_drawn(rows + 1, start, min(block, DRAWS - start)) for start in range(0, DRAWS, block))


@lru_cache(maxsize=4)
def _drawn(width: int, start: int, count: int) -> "np.ndarray":
    import numpy as np

    return np.random.default_rng([width, start]).standard_exponential((count, width))
