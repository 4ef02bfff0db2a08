"""Bootstrap intervals (Efron 1979, percentile, 95 %) over the rows of a per-example table, vectorised in numpy.

A metric is a statistic of summed columns: a mean is Σ value / Σ has-a-value, macro-F1 is the mean over labels of
2·tp / (2·tp + fp + fn). Both are computed for all resamples by one matrix product with how often each row was drawn, so
pairing two systems only means drawing the same rows for both. Where every item has 0, or 1, or the same in both systems, all
resamples are alike and say nothing of what was not seen: there the exact limits stand (`unseen`). Not covered: clustered
resampling (questions about one passage are treated as independent).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, SupportsFloat

from components.core import LEVEL, Example, Metric, figure_of

from .metrics import over_table
from .statistic import Statistic

if TYPE_CHECKING:
    import numpy as np

BLOCK = 4_000_000
"""Most indices drawn at once (32 MB): larger tables are resampled in blocks."""


class Paired(NamedTuple):
    """A metric of two tables over the same rows, and the standard deviation of the rows' differences (0 below two rows)."""

    before: float
    after: float
    gain: Metric
    spread: float


def unseen(n: int, level: float = LEVEL) -> float:
    """The exact two-sided upper limit of a share that none of `n` items has: 1 - (level / 2)^(1/n) (Clopper and Pearson
    1934, doi:10.1093/biomet/26.4.404). It holds for the mean of graded values in [0, 1] too: such a mean is at most the
    share of items above 0."""
    return 1 - (level / 2) ** (1 / n)


def interval(values: Sequence[float | None], seed: int = 0, resamples: int = 2000, bounded: bool = True) -> Metric:
    """The mean of `values` that are not None, with its 95 % interval. n = 0 where there is none.

    bounded: they lie in [0, 1], so that where all are 0 or all are 1 the exact limits stand
    """
    known = [value for value in values if value is not None]
    if not known:
        return Metric(value=0.0, n=0)
    metric = _metric(_means(known), len(known), bootstrap(_means(known), seed, resamples))
    if metric.n < 2 or not bounded or set(known) not in ({0.0}, {1.0}):
        return metric
    low, high = (0.0, unseen(metric.n)) if metric.value == 0 else (1 - unseen(metric.n), 1.0)
    return metric.model_copy(update={"low": _rounded(low), "high": _rounded(high)})


def table_metric(rows: Sequence[Example], name: str, seed: int = 0, resamples: int = 2000) -> Metric | None:
    """Metric `name` of a per-example table with its interval; None where no row has a value."""
    if over_table(name) is None:
        metric = interval([figure_of(row, name) for row in rows], seed, resamples)
        return metric if metric.n else None
    return _metric(statistic(rows, name), len(rows), bootstrap(statistic(rows, name), seed, resamples)) if rows else None


def of_two_means(
    before: Sequence[float],
    after: Sequence[float],
    of: "Callable[[np.ndarray, np.ndarray], np.ndarray]",
    seed: int = 0,
    resamples: int = 2000,
) -> Metric:
    """`of(mean before, mean after)` over the same items in the same order, with its 95 % interval.

    of: takes arrays too. Where it is a distance (0 for equal means) and no item, each in [0, 1], differs, the interval is
        that of the share of items that could
    """
    import numpy as np

    columns = np.stack([before, after, np.ones(len(before))], axis=1)
    figure = Statistic(columns, lambda sums: of(sums[..., 0] / sums[..., 2], sums[..., 1] / sums[..., 2]))
    metric = _metric(figure, len(before), bootstrap(figure, seed, resamples))
    return _nothing_changed(metric) if metric.value == 0 and list(before) == list(after) else metric


def paired(
    before: Sequence[Example],
    after: Sequence[Example],
    name: str,
    seed: int = 0,
    resamples: int = 2000,
    level: float = LEVEL,
) -> Paired:
    """Metric `name` before, after, and its gain with an interval of 1 - `level`, over the same rows in the same order.

    The spread comes from the resampled gains, times √n, so that it also holds for a metric that is no mean.
    """
    import numpy as np

    first, second = statistic(before, name), statistic(after, name)
    start, end = float(first.of(first.columns.sum(0))), float(second.of(second.columns.sum(0)))
    mean = over_table(name) is None
    n = int(min(first.columns[:, -1].sum(), second.columns[:, -1].sum())) if mean else len(before)
    if n < 2:  # every resample of one row is that row: no interval
        return Paired(start, end, Metric(value=_rounded(end - start), n=n), 0.0)
    gains = bootstrap(second, seed, resamples) - bootstrap(first, seed, resamples)
    low, high = np.nanpercentile(gains, [100 * level / 2, 100 * (1 - level / 2)])
    gain = Metric(value=_rounded(end - start), low=_rounded(low), high=_rounded(high), n=n)
    if mean and np.array_equal(first.columns, second.columns):
        gain = _nothing_changed(gain, level)
    return Paired(start, end, gain, _rounded(np.nanstd(gains) * n**0.5))


def statistic(rows: Sequence[Example], name: str) -> Statistic:
    """The statistic behind metric `name` of a per-example table."""
    of_table = over_table(name)
    return of_table(rows) if of_table else _means([figure_of(row, name) for row in rows])


def bootstrap(figure: Statistic, seed: int = 0, resamples: int = 2000) -> "np.ndarray":
    """The statistic on `resamples` resampled tables: float array [resamples]. Equal seeds draw equal rows."""
    import numpy as np

    n = len(figure.columns)
    block = max(1, min(resamples, BLOCK // max(1, n)))
    parts = []
    for start in range(0, resamples, block):
        parts.append(figure.of(_counts(n, seed, start, min(block, resamples - start)) @ figure.columns))
    return np.concatenate(parts)


@lru_cache(maxsize=4)
def _counts(n: int, seed: int, start: int, count: int) -> "np.ndarray":
    """How often each of `n` rows was drawn in each of `count` resamples: [count, n]."""
    import numpy as np

    drawn = np.random.default_rng([seed, start]).integers(0, n, (count, n))
    places = (drawn + np.arange(count)[:, None] * n).ravel()
    return np.bincount(places, minlength=count * n).reshape(count, n).astype(float)


def _means(values: Sequence[float | None]) -> Statistic:
    import numpy as np

    filled = np.array([0.0 if value is None else value for value in values])
    known = np.array([0.0 if value is None else 1.0 for value in values])
    return Statistic(np.stack([filled, known], axis=1), _ratio)


def _ratio(sums: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.divide(sums[..., 0], sums[..., 1], out=np.full(sums[..., 0].shape, np.nan), where=sums[..., 1] > 0)


def _metric(figure: Statistic, n: int, draws: "np.ndarray") -> Metric:
    import numpy as np

    value = float(figure.of(figure.columns.sum(0)))
    if n < 2:
        return Metric(value=_rounded(value), n=n)
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Metric(value=_rounded(value), low=_rounded(low), high=_rounded(high), n=n)


def _nothing_changed(change: Metric, level: float = LEVEL) -> Metric:
    """A paired change of 0 on every item, with the limits of the share of items that could change, one way or the other."""
    if change.n < 2:
        return change
    return change.model_copy(update={"low": -_rounded(unseen(change.n, level)), "high": _rounded(unseen(change.n, level))})


def _rounded(value: SupportsFloat) -> float:
    return round(float(value), 6)
