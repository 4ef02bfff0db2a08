"""What the contract bounds, and whether the items show it: each bound holds, is broken, or is not shown.

holds      the one-sided interval ends within the bound: no value beyond it is compatible with the items at `level`
broken     the figure itself lies beyond the bound
not shown  the figure lies within, and the interval does not: more items would say

A mean is tested as slices are (bounded_mean.py: Gaffke's bound, for 0/1 items Clopper and Pearson's). Precision is the mean
over the rows that have a value, whose number says nothing of it. Two figures are no means. A preference worsens by how much
further it lies from one half: both signs of both distances are tested, each test a mean's, so that the level is shared by
two. Macro-F1 is weighed like a mean, by exponential weights of the rows, with a row more for each label that it gets wrong:
of one label that is Clopper and Pearson's limit of its right rows among those said or wanted (F1 rises with that share); of
several, and of a difference between two systems, bench/statistics_bounds.py simulates the level. A label of fewer than
`FEWEST` rows shows nothing: with one of 3 % and 24 rows, a floor at the true macro-F1 held in half of all runs.
Not covered: rows that depend on each other.
"""

from collections import Counter
from collections.abc import Sequence, Sized
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Literal

from components.core import LEVEL, Example, Frozen, figure_of

from .bounded_mean import DRAWS, furthest
from .intervals import bootstrap, statistic
from .sample_size import rows_needed
from .significance import FEWEST

if TYPE_CHECKING:
    import numpy as np

Verdict = Literal["holds", "broken", "not shown"]
Key = Literal["floors", "bias_at_most", "failing_at_most", "worse_at_most"]
HALF = 0.5
"""Where a preference has no bias."""


class Bound(Frozen):
    """One bound of the contract on one figure."""

    key: Key
    """Where the contract states it."""
    name: str
    """Metric, benchmark or check."""
    bound: float
    value: float
    n: int
    end: float
    """The largest value that is not excluded; of a floor the smallest."""
    level: float = LEVEL
    """One-sided, of the interval that ends there: `LEVEL`, split over the looks that were planned."""
    verdict: Verdict
    items: int | None = None
    """Where it is not shown: items that would show it, at the figure and spread seen; None: no number would."""

    @property
    def surely_broken(self) -> bool:
        """Whether more items would hardly mend it: the figure is further from the bound than from its end."""
        return self.verdict == "broken" and abs(self.value - self.bound) > abs(self.end - self.value)

    @property
    def asked(self) -> str:
        """What the contract asks for, in words."""
        return f"{'at least' if self.key == 'floors' else 'at most'} {self.bound:g}"

    @property
    def edge(self) -> str:
        """The value furthest off that is not excluded, in words."""
        return f"{'down' if self.key == 'floors' else 'up'} to {self._shown(self.end)}"

    @property
    def needed(self) -> str:
        """The items that would show it, in words. Where the spread asks for no more than there are, and they did not do: by
        the interval seen, whose width falls with the root of the items."""
        if not self.items:
            return "no number of items at this figure would show it"
        by_interval = ceil(self.n * ((self.end - self.value) / (self.bound - self.value)) ** 2)
        return f"{self.items if self.items > self.n else by_interval:,} items would show it"

    def _shown(self, value: float) -> str:
        return f"{value:+.3f}" if self.key in ("bias_at_most", "worse_at_most") else f"{value:.3f}"

    def __str__(self) -> str:
        verb = {"floors": "is", "failing_at_most": "fails on"}.get(self.key, "worsens by")
        sentence = f"{self.name} {verb} {self._shown(self.value)} of {self.n} items, {self.asked} asked: {self.verdict}"
        return f"{sentence}, {self.edge} is not excluded; {self.needed}" if self.verdict == "not shown" else sentence


def failing(name: str, failed: Sequence[float], bound: float, level: float = LEVEL) -> Bound:
    """The share of a check's items that fail. failed: 0 to 1, by item"""
    return _at_most("failing_at_most", name, failed, bound, level)


def worsening(
    name: str, before: Sequence[float], after: Sequence[float], bound: float, level: float = LEVEL, *, centred: bool = False
) -> Bound:
    """How much more fails after than before, over the same items; both in [0, 1], and more is worse.

    centred: the figure is a preference, which worsens by how much further it lies from one half
    """
    import numpy as np

    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if not centred:
        return _at_most("bias_at_most", name, second - first, bound, level)
    value = abs(second.mean() - HALF) - abs(first.mean() - HALF)
    later, earlier = (1.0 if one.mean() >= HALF else -1.0 for one in (second, first))
    spread = float(np.std(later * (second - HALF) - earlier * (first - HALF), ddof=_ddof(first)))
    end = float(off_centre(first[None], second[None], level)[0])
    return _judged("bias_at_most", name, bound, float(value), len(first), end, level, spread, 1 - bound)


def off_centre(before: "np.ndarray", after: "np.ndarray", level: float) -> "np.ndarray":
    """The largest growth of |mean - 1/2| that is not excluded. [samples, n] twice → [samples].

    It is max over s of min over r of s·(after - 1/2) - r·(before - 1/2), for signs s and r: to exclude a growth, one r must
    exclude it for each s. Which r does is seen in the items, so that two tests share the level.
    """
    import numpy as np

    ends = [
        np.minimum(*(furthest(s * (after - HALF) - r * (before - HALF), level / 2, 1.0) for r in (1, -1))) for s in (1, -1)
    ]
    growth: np.ndarray = np.maximum(*ends)
    return growth


def floor(
    rows: Sequence[Example], name: str, bound: float, level: float = LEVEL, *, labels: Sequence[str] = ()
) -> Bound | None:
    """A metric of a per-example table that must reach `bound`; None where no row has a value. labels: the contract's"""
    import numpy as np

    if name == "macro_f1":
        if not rows:
            return None
        figure = statistic(rows, name)
        few = fewest_of(rows, labels) < FEWEST
        value, end = float(figure.of(figure.columns.sum(0))), 0.0 if few else macro_f1_end(figure.columns, level)
        spread = float(np.nanstd(bootstrap(figure))) * len(rows) ** 0.5
        judged = _judged("floors", name, bound, value, len(rows), end, level, spread, bound)
        return _enough_of_each(judged, fewest_of(rows, labels))
    values = [one for row in rows if (one := figure_of(row, name)) is not None]
    if not values:
        return None
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=_ddof(values)))
    return _judged("floors", name, bound, mean, len(values), furthest(values, level, 0.0), level, spread, bound)


def not_worse(
    name: str,
    before: Sequence[Example],
    after: Sequence[Example],
    bound: float,
    level: float = LEVEL,
    *,
    labels: Sequence[str] = (),
) -> Bound:
    """By how much `after` is worse than `before` on metric `name`, over the same rows in the same order."""
    import numpy as np

    first, second = statistic(before, name), statistic(after, name)
    if name != "macro_f1" and np.array_equal(first.columns[:, 1], second.columns[:, 1]):
        moved = (first.columns - second.columns)[first.columns[:, 1] > 0, 0]
        return _at_most("worse_at_most", name, moved, bound, level)
    value = float(first.of(first.columns.sum(0)) - second.of(second.columns.sum(0)))
    spread = float(np.nanstd(bootstrap(first) - bootstrap(second))) * len(before) ** 0.5
    macro, fewest = name == "macro_f1", fewest_of(before, labels) if name == "macro_f1" else FEWEST
    end = 1.0 if fewest < FEWEST else lost_end(first.columns, second.columns, level, macro=macro)
    judged = _judged("worse_at_most", name, bound, value, len(before), end, level, spread, 1 - bound)
    return _enough_of_each(judged, fewest)


def fewest_of(rows: Sequence[Example], labels: Sequence[str] = ()) -> int:
    """Rows of the label that has the fewest: of the contract's `labels`, and of those that a row has or says."""
    counts = Counter(str(row["reference"]) for row in rows)
    known = {*labels, *counts, *(str(row["answer"]) for row in rows)}
    return min(counts[label] for label in known) if len(known) > 1 else 0


def _enough_of_each(judged: Bound, fewest: int) -> Bound:
    """`judged`, with the items that bring `FEWEST` of each label where they are the larger number."""
    if judged.verdict != "not shown" or fewest >= FEWEST:
        return judged
    wanted = -(-judged.n * FEWEST // fewest) if fewest else None
    return judged.model_copy(update={"items": max(wanted, judged.items) if wanted and judged.items else None})


def macro_f1_end(columns: "np.ndarray", level: float) -> float:
    """The smallest macro-F1 that is not excluded. columns: of `statistic`, [rows, 2 · labels]."""
    return _nth(_weighed(columns, more_wrong=True, macro=True), level)


def lost_end(before: "np.ndarray", after: "np.ndarray", level: float, *, macro: bool) -> float:
    """The largest loss from `before` to `after` that is not excluded, for a figure that is no mean over the same rows: rows
    that are got wrong are added after, and such that are got right before."""
    gained = _weighed(after, more_wrong=True, macro=macro) - _weighed(before, more_wrong=False, macro=macro)
    return -_nth(gained, level)


def _weighed(columns: "np.ndarray", *, more_wrong: bool, macro: bool) -> "np.ndarray":
    """The figure for each draw of weights, with a row more for each label: all wrong, or all right."""
    n, labels = len(columns), columns.shape[1] // 2
    weights = _exponential(n + 2 * labels)
    more = weights[:, n : n + labels] if more_wrong else weights[:, n + labels :]
    sums = weights[:, :n] @ columns
    right, total = sums[:, :labels], sums[:, labels:]
    twice = 2.0 if macro else 1.0  # a right row counts as said and as wanted
    if not more_wrong:
        right, total = right + more, total + twice * more
    else:
        total = total + more
    figures: np.ndarray = (twice * right / total).mean(1)
    return figures


def _nth(draws: "np.ndarray", level: float) -> float:
    """The value below which no more draws lie than `level` allows, counting one more as the p-values do."""
    import numpy as np

    place = max(1, int(level * (len(draws) + 1) + 1e-9)) - 1
    return float(np.partition(draws, place)[place])


@lru_cache(maxsize=2)
def _exponential(width: int) -> "np.ndarray":
    import numpy as np

    return np.random.default_rng([width, DRAWS]).standard_exponential((DRAWS, width))


def _at_most(key: Key, name: str, values: "Sequence[float] | np.ndarray", bound: float, level: float) -> Bound:
    import numpy as np

    mean, spread = float(np.mean(values)), float(np.std(values, ddof=_ddof(values)))
    return _judged(key, name, bound, mean, len(values), furthest(values, level, 1.0), level, spread, 1 - bound)


def _judged(
    key: Key, name: str, bound: float, value: float, n: int, end: float, level: float, spread: float, reach: float
) -> Bound:
    below = 1.0 if key != "floors" else -1.0
    value, end = round(value, 6), round(end, 6)
    verdict: Verdict = "broken" if below * (value - bound) > 0 else "holds" if below * (end - bound) <= 0 else "not shown"
    items = rows_needed(below * (bound - value), spread, level, reach) if verdict == "not shown" else None
    return Bound(
        key=key, name=name, bound=bound, value=value, n=n, end=end, level=round(level, 6), verdict=verdict, items=items
    )


def _ddof(values: Sized) -> int:
    return 1 if len(values) > 1 else 0
