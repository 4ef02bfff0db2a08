"""Whether a candidate is worse than its reference on a slice: one-sided non-inferiority tests, Holm-corrected.

The rows of a slice are few and their differences mostly 0 with a rare loss, so the test is that of a bounded mean
(bounded_mean.py): a t-test or a bootstrap calls "not worse" what lacks a bad row by luck.

Holm 1979 corrects over all values of all slices with a margin, and apart from them over those that are only shown. A
release needs every value to pass, which one test each at 5 % would guard too; the correction is for the reader, who takes
each line as a finding. Values with too few rows to settle a margin are judged together (`_together`). Not covered:
intersections of slices.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, log, log1p
from statistics import fmean
from typing import Literal

from components.core import LEVEL, Example, Frozen, Metric, Metrics, figure_of
from components.tasks import kind_of

from .bounded_mean import tails
from .intervals import Paired, paired
from .metrics import METRICS, over_table
from .sample_size import rows_needed

SliceVerdict = Literal["not worse", "worse", "not enough evidence"]


class SliceGain(Frozen):
    """The paired difference on the rows of one slice value."""

    metric: str
    """The first one of the contract that these rows have a value of."""
    before: float
    after: float
    gain: Metric
    margin: float | None
    """By how much it may be worse, in absolute points; None: the contract sets none, and it is shown for a margin of 0."""
    p_value: float
    """One-sided and corrected: of "it is worse by the margin or more"."""
    verdict: SliceVerdict
    rows: int | None = None
    """Rows of this value that would show it to be not worse, at the difference and spread seen, with 80 % power; None: no
    number would."""

    @property
    def failed(self) -> bool:
        """Whether this stops a release: only a margin can."""
        return self.margin is not None and self.verdict != "not worse"


def compared_on(metrics: Metrics, kind: str) -> tuple[str, ...]:
    """Metrics to compare a slice on: the primary, or what judges single answers in its place where it has no value for one;
    a floor's where no row has that (unanswerable questions); else any."""
    single = (kind_of(kind).rated_by,) if over_table(metrics.primary) else ()
    return tuple(dict.fromkeys((metrics.primary, *single, *metrics.floors, *METRICS[kind])))


def compare_slices(
    before: Sequence[Example],
    after: Sequence[Example],
    slices: Sequence[str],
    metrics: Sequence[str],
    margins: Mapping[str, float],
) -> dict[str, dict[str, SliceGain]]:
    """Slice → value → difference, for each value of each of `slices`, over the same rows in the same order. Values of a
    slice with a margin that have too few rows for it are one value together, `long + short`.

    metrics: per-example metrics, first choice first: each value is compared on the first that its rows have. Where none has
             a value in both tables there is nothing to compare, and the value is left out.
    margins: slice → absolute points; a slice without one is only shown
    """
    assert [row["id"] for row in before] == [row["id"] for row in after], "compare_slices: not the same rows"
    bounded = sum(len(_values(before, name)) for name in slices if name in margins)
    cells = [
        (name, values, *cell)
        for name in slices
        for values in _together(before, after, name, metrics, _least(margins.get(name, 0.0), bounded))
        if (cell := _cell(before, after, name, values, metrics))
    ]
    alone = [
        [cell[1] for one in values if (cell := _cell(before, after, name, (one,), metrics))] if len(values) > 1 else [whole]
        for name, values, _, whole, _ in cells
    ]
    judged = [_uncredited(parts) for parts in alone]
    ends = [tails(differences, margins.get(cell[0], 0.0)) for differences, cell in zip(judged, cells, strict=True)]
    gains: dict[str, dict[str, SliceGain]] = {}
    for family in (True, False):
        places = [i for i, (name, *_) in enumerate(cells) if (name in margins) == family]
        safe, harmed = (holm([ends[i][side] for i in places]) for side in (0, 1))
        for i, not_worse, worse in zip(places, safe, harmed, strict=True):
            name, values, metric, _, figures = cells[i]
            single = len(values) == 1
            within = single or min(map(fmean, alone[i])) > -margins[name]
            mean = figures.gain.value if single else fmean(judged[i])
            gains.setdefault(name, {})[" + ".join(values)] = SliceGain(
                metric=metric,
                before=round(figures.before, 6),
                after=round(figures.after, 6),
                gain=figures.gain,
                margin=margins.get(name),
                p_value=float(f"{not_worse:.3g}"),
                verdict="not worse"
                if not_worse <= LEVEL and within
                else "worse"
                if worse <= LEVEL
                else "not enough evidence",
                rows=rows_needed(mean + margins.get(name, 0.0), figures.spread, LEVEL / len(places)),
            )
    return {name: gains[name] for name in slices if name in gains}


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted


def _values(rows: Sequence[Example], name: str) -> list[str]:
    return sorted({row["slices"][name] for row in rows if name in row["slices"]})


def _least(margin: float, values: int) -> int:
    """Rows of a value that settle a margin where no row changes at all: `tails` gives (1 - margin)^rows there, and the
    strictest of `values` corrected tests asks for LEVEL / values. 0 where no number would (a margin of 0), or any (of 1)."""
    return ceil(log(LEVEL / values) / log1p(-margin)) if 0 < margin < 1 else 0


def _together(
    before: Sequence[Example], after: Sequence[Example], name: str, metrics: Sequence[str], least: int
) -> Iterator[tuple[str, ...]]:
    """The values of a slice, each alone, or joined with others, fewest rows first, until there are `least` rows.

    Otherwise a value of three rows would stop every release, whatever its answers. Only values that are compared on the same
    metric are joined, and the counts alone decide, so that no outcome chooses what it is judged with. A joint value passes
    for what its values share: the gain of one is no credit for another (`_uncredited`), and each one's own mean, however few
    its rows, must lie within the margin.
    """
    groups: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    for value in _values(before, name):
        if cell := _cell(before, after, name, (value,), metrics):
            groups[cell[0]].append((len(cell[1]), (value,)))
    for group in groups.values():
        group.sort()
        while len(group) > 1 and group[0][0] < least:
            (few, some), (more, others), *rest = group
            group[:] = sorted([(few + more, tuple(sorted(some + others))), *rest])
    yield from sorted(values for group in groups.values() for _, values in group)


def _uncredited(parts: Sequence[Sequence[float]]) -> list[float]:
    """The differences of values that are judged together: where one gains, its rows lose that gain, down to -1."""
    if len(parts) == 1:
        return list(parts[0])
    return [max(-1.0, one - max(0.0, fmean(part))) for part in parts for one in part]


def _cell(
    before: Sequence[Example],
    after: Sequence[Example],
    name: str,
    values: Sequence[str],
    metrics: Sequence[str],
) -> tuple[str, list[float], Paired] | None:
    """(metric, differences, `paired` figures) of the rows with one of `values`; None where no metric has values in both
    tables."""
    pairs = [(one, two) for one, two in zip(before, after, strict=True) if one["slices"].get(name) in values]
    for metric in metrics:
        figures = [(figure_of(one, metric), figure_of(two, metric)) for one, two in pairs]
        differences = [two - one for one, two in figures if one is not None and two is not None]
        # what only one of the two has a value of (precision of abstaining) is no paired metric
        if differences and all((one is None) == (two is None) for one, two in figures):
            known = [pair for pair, (one, _) in zip(pairs, figures, strict=True) if one is not None]
            return metric, differences, paired([one for one, _ in known], [two for _, two in known], metric)
    return None
