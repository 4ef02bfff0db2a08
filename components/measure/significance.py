"""The p-value of a paired gain: how often chance alone makes one as large.

One-sided, as a promotion is: at most 5 % are false. 0/1 figures: McNemar's test, exact (McNemar 1947: a binomial over the
rows on which the two disagree). Others: the paired permutation test (Fisher 1935; for a figure that is no mean,
approximate randomisation, Noreen 1989): each row's two answers swap places or not, which for a mean flips the sign of its
difference; all patterns where at most 13 rows differ, else 9,999 drawn ones. It is exact where the two are
interchangeable. Two systems may be equal on average only (many small gains, rare large losses), so graded means must also
pass the test of a bounded mean (bounded_mean.py), and the larger p-value counts; 0/1 differences cannot be lopsided and
equal. Macro-F1 weighs a label of few rows like any other, and swapping answers does not show the luck in so few
(`FEWEST`). Not covered: rows that depend on each other.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from components.core import Example

from .bounded_mean import tails
from .intervals import BLOCK, statistic
from .metrics import by_answer, over_table

if TYPE_CHECKING:
    import numpy as np

DRAWS = 9_999
ENUMERATED = 13
"""Rows that differ, up to which all 2^rows swaps are tried (8,192: no more than are drawn else)."""
FEWEST = 10
"""Rows of each label that a gain in macro-F1 takes. Over a classifier of equal macro-F1 in the population (0.67 or 0.59
right, a minority of 10 %), always naming the majority was adopted in 60 and 41 % of runs with one row of the minority, in 17
and 2 % with five, in 4 and 2 % with ten."""
STRIDE = 64
"""Swaps are drawn for a multiple of this many rows, so that tables of nearly equal size share them."""


def p_value(before: Sequence[Example], after: Sequence[Example], name: str) -> float:
    """One-sided p-value of "metric `name` is not higher in `after`" over the same rows in the same order. 1 for macro-F1
    where a label has too few rows."""
    import numpy as np

    if by_answer(name) and fewest(before)[1] < FEWEST:
        return 1.0
    first, second = statistic(before, name), statistic(after, name)
    moved = second.columns - first.columns
    mean = over_table(name) is None and not moved[:, 1].any()  # a mean over the same rows in both
    differs = moved[np.any(moved != 0, axis=1)]
    if mean and set(np.abs(differs[:, 0])) <= {1.0}:
        return mcnemar(int((differs[:, 0] < 0).sum()), int((differs[:, 0] > 0).sum()))
    low, high = first.columns.sum(0), second.columns.sum(0)
    gain = float(second.of(high) - first.of(low)) - 1e-9  # equal sums in another order differ by rounding
    reached, tried = 0, 0
    for swaps in _swaps(len(differs)):
        change = swaps @ differs
        reached += int((second.of(high - change) - first.of(low + change) >= gain).sum())
        tried += len(swaps)
    permuted = reached / tried if len(differs) <= ENUMERATED else (reached + 1) / (tried + 1)
    known = first.columns[:, -1] > 0
    return max(permuted, tails(moved[known, 0])[0]) if mean else permuted


def fewest(rows: Sequence[Example]) -> tuple[str, int]:
    """The label (quoted) with the fewest rows, and how many. Where all rows have one label: any other, which has none."""
    counts = Counter(str(row["reference"]) for row in rows)
    if len(counts) < 2:
        return "any other", 0
    label = min(counts, key=lambda one: (counts[one], one))
    return f"'{label}'", counts[label]


def mcnemar(losses: int, wins: int) -> float:
    """One-sided exact p-value of McNemar's test: of the rows that differ, `losses` got worse and `wins` better."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses, alternative="greater").pvalue) if wins + losses else 1.0


def shown_p(value: float | None) -> str:
    """A p-value for people."""
    if value is None:
        return "p not computed"
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"


def _swaps(rows: int) -> "Iterator[np.ndarray]":
    """0/1 matrices [patterns, rows]: which rows swap. All patterns, or `DRAWS` of them in blocks."""
    import numpy as np

    if rows <= ENUMERATED:
        yield (np.arange(2**rows)[:, None] >> np.arange(rows) & 1).astype(float)
        return
    width = -(-rows // STRIDE) * STRIDE
    block = max(1, min(DRAWS, BLOCK // width))
    for start in range(0, DRAWS, block):
        yield _drawn(width, start, min(block, DRAWS - start))[:, :rows]


@lru_cache(maxsize=4)
def _drawn(width: int, start: int, count: int) -> "np.ndarray":
    import numpy as np

    return np.random.default_rng([width, start]).integers(0, 2, (count, width), dtype=np.int8).astype(float)
