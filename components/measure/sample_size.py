"""How many rows a paired comparison needs: normal approximation (Cohen 1988), 80 % power, at the spread that was seen.

A gain is adopted where its two-sided 95 % interval lies above 0, where the one-sided exact test says so, and where it
reaches the minimum effect. All are conditions on one estimate, so the hardest decides. The exact test's is that of
bounded_mean.py: the row that it adds takes one row's worth of gain, give or take one (its weight is exponential).
McNemar's steps cost about as much.
"""

from bisect import bisect_left
from math import sqrt
from statistics import NormalDist

from components.core import Power

from .significance import LEVEL

POWER = 0.8
REACHED = NormalDist().inv_cdf(POWER)
"""Standard errors by which a true gain must lie above a bar for its estimate to clear it four times in five."""
INTERVAL = NormalDist().inv_cdf(0.975)
MOST = 10**9
"""More rows than this are none."""


def power(gain: float, minimum_effect: float, spread: float, n: int) -> Power | None:
    """Rows for 80 % power, and what `n` rows suffice for; None where the differences do not vary.

    gain:   as seen. Above the minimum effect, the rows that would adopt a true gain of that size; else the rows that would
            show the minimum effect to be no chance (a true gain of just that size reaches it half of the time only)
    spread: standard deviation of the rows' differences
    """
    if n < 2 or spread <= 0:
        return None

    def detectable(rows: int, least: float = minimum_effect) -> float:
        error = spread / sqrt(rows)
        interval = (INTERVAL + REACHED) * error + 0.5 / rows  # between two counts
        return max(interval, _tested(spread, rows, LEVEL), least + REACHED * error)

    effect = max(gain, minimum_effect)
    least = minimum_effect if gain > minimum_effect else 0.0
    rows = 2 + bisect_left(range(2, MOST), True, key=lambda rows: detectable(rows, least) <= effect)
    return Power(effect=round(max(effect, 0.0), 6), rows=rows if rows < MOST else None, detectable=round(detectable(n), 6))


def rows_needed(effect: float, spread: float, level: float) -> int | None:
    """Rows for 80 % power of the exact test alone, one-sided at `level`; None where no number would do."""
    rows = 2 + bisect_left(range(2, MOST), True, key=lambda rows: _tested(spread, rows, level) <= effect)
    return rows if rows < MOST else None


def _tested(spread: float, rows: int, level: float) -> float:
    """The true gain that the exact test finds four times in five."""
    error = spread / sqrt(rows)
    return 1 / rows + NormalDist().inv_cdf(1 - level) * sqrt(error**2 + 1 / rows**2) + REACHED * error
