"""How many rows a paired comparison needs: normal approximation (Cohen 1988), 80 % power, at the spread that was seen.

A gain is adopted where its two-sided 95 % interval lies above 0, where the one-sided exact test says so, and where it
reaches the minimum effect. All are conditions on one estimate, so the hardest decides. Two things make few rows worth less
than the textbook says. Answers that are right or wrong move an estimate by whole rows, so that an interval and a bar lie
up to half a row each above where a normal has them (with a third half, for skewed counts, planted effects are adopted
in 79 to 82 % of runs at 24 to 500 rows). And the exact test (bounded_mean.py) adds a row of the worst
difference with a weight that is exponential: its quantile is that of a normal less an exponential, not of a wider normal.
Held to what `compare_tables` does on planted effects (bench/statistics.py). Not covered: rows that depend on each other.
"""

from bisect import bisect_left
from math import ceil, log, sqrt
from statistics import NormalDist

from components.core import LEVEL, Power

POWER = 0.8
REACHED = NormalDist().inv_cdf(POWER)
"""Standard errors by which a true gain must lie above a bar for its estimate to clear it four times in five."""
COUNTED = 1.5
"""Rows' worth of gain that counting costs an interval at most (see above)."""
MOST = 10**9
"""More rows than this are none."""


def power(gain: float, minimum_effect: float, spread: float, n: int, level: float = LEVEL) -> Power | None:
    """Rows for 80 % power, and what `n` rows suffice for; None where the differences do not vary.

    gain:   as seen. Above the minimum effect, the rows that would adopt a true gain of that size; else those for twice the
            minimum effect: a true gain of just the minimum reaches it half of the time, whatever the rows
    spread: standard deviation of the rows' differences
    level:  of the interval (1 - level) and of the one-sided test
    """
    if n < 2 or spread <= 0:
        return None

    above = NormalDist().inv_cdf(1 - level / 2)

    def detectable(rows: int) -> float:
        error = spread / sqrt(rows)
        interval = (above + REACHED) * error + COUNTED / rows
        return max(interval, _tested(spread, rows, level), minimum_effect + REACHED * error + 0.5 / rows)

    effect = gain if gain > minimum_effect else 2 * minimum_effect
    rows = 2 + bisect_left(range(2, MOST), True, key=lambda rows: detectable(rows) <= effect)
    return Power(effect=round(max(effect, 0.0), 6), rows=rows if rows < MOST else None, detectable=round(detectable(n), 6))


def rows_needed(effect: float, spread: float, level: float, reach: float = 1.0) -> int | None:
    """Rows for 80 % power of the exact test alone, one-sided at `level`; None where no number would do.

    reach: how far the worst value lies beyond the bar that the mean is held against
    """
    if effect <= 0:
        return None
    if spread <= 0:  # rows that are all alike: the test's p-value is (reach / (reach + effect))^rows
        return ceil(log(level) / log(reach / (reach + effect)) - 1e-9) if reach > 0 else 1
    rows = 2 + bisect_left(range(2, MOST), True, key=lambda rows: _tested(spread, rows, level, reach) <= effect)
    return rows if rows < MOST else None


def _tested(spread: float, rows: int, level: float, reach: float = 1.0) -> float:
    """The true gain that the exact test finds four times in five. The row that it adds lies reach + gain below the others'
    mean: a second round with the gain of the first settles it."""
    error = spread / sqrt(rows)
    gain = 0.0
    for _ in range(2):
        gain = _quantile(1 - level, error, (reach + gain) / rows) + REACHED * error
    return gain


def _quantile(share: float, deviation: float, mean: float) -> float:
    """Of a normal around 0 plus an exponential of `mean`, by its first four cumulants (Cornish and Fisher 1938)."""
    width = sqrt(deviation**2 + mean**2)
    skew, tail = 2 * (mean / width) ** 3, 6 * (mean / width) ** 4
    z = NormalDist().inv_cdf(share)
    stretched = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * tail / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    return mean + width * stretched
