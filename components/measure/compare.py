"""Two Evidences in, one Decision out: paired statistics over the per-example tables of both, on the same rows.

Paired, because two systems answer the same easy and hard questions (Koehn 2004, "Statistical significance tests for
machine translation evaluation"). Two judges, of which the stricter one decides. The bootstrap's interval (intervals.py)
says how large the gain may be, but is too short for few, sparse or lopsided differences. The exact tests (significance.py)
let at most 5 % false promotions through at any number of rows, but say nothing of size. For many even differences the
interval, at 2.5 % on that side, is the stricter one; for few it is the test. `level` sets both where a comparison is looked
at again (looks.py). Not covered: correction for many comparisons (stages compare one winner with what was at hand; slices.py
corrects).
"""

import math
from collections.abc import Sequence

from components.core import LEVEL, Comparison, Decision, Evidence, Example, Metrics, Store, Verdict, read_jsonl

from .intervals import paired
from .metrics import by_answer
from .sample_size import power
from .significance import FEWEST, fewest, p_value, shown_p


def examples(evidence: Evidence, store: Store) -> list[Example]:
    """The per-example rows behind `evidence`, in the order of the split."""
    return read_jsonl(store.file(evidence.table))


def compare(
    before: Evidence,
    after: Evidence,
    metrics: Metrics,
    store: Store,
    *,
    over: str,
    metric: str | None = None,
    level: float = LEVEL,
) -> Decision:
    """Decide whether `after` is worth it over `before`, on `metric` (default: the contract's primary one).

    adopt               the gain is no chance (`significant`) and at least `metrics.minimum_effect`
    keep                the gain is not positive, or its interval lies below the minimum effect, or `after` misses a floor of
                        the contract that `before` reaches
    not enough evidence otherwise; the reason says how many rows would do

    over:  what it is compared with, in words, for the reason
    level: of the interval (1 - level) and of the one-sided test
    Raises AssertionError when the two do not cover the same rows,
    or when neither has a value of the metric.
    """
    already = missed_floors(before, metrics)
    lost = [_floor(name, after) for name in missed_floors(after, metrics) if name not in already]
    tables = examples(before, store), examples(after, store)
    return compare_tables(*tables, metrics, over=over, metric=metric or metrics.primary, lost=lost, level=level)


def compare_tables(
    before: Sequence[Example],
    after: Sequence[Example],
    metrics: Metrics,
    *,
    over: str,
    metric: str,
    lost: Sequence[str] = (),
    level: float = LEVEL,
) -> Decision:
    """`compare` on the tables themselves. lost: floors that only `after` misses, in words."""
    comparison = compared(before, after, metric, over=over, minimum_effect=metrics.minimum_effect, level=level)
    sure = significant(comparison, level)
    verdict = _verdict(comparison, lost, sure)
    open_still = _too_few(before, metric) or _unsettled(comparison, sure)
    return Decision(verdict=verdict, reason=_reason(comparison, verdict, lost, open_still), comparison=comparison)


def compared(
    before: Sequence[Example],
    after: Sequence[Example],
    metric: str,
    *,
    over: str,
    minimum_effect: float = 0.0,
    level: float = LEVEL,
) -> Comparison:
    """The figures behind a decision: `metric` before and after on the same rows, its gain, p-value and sample size."""
    assert [row["id"] for row in before] == [row["id"] for row in after], f"compare: not the same rows ({over})"
    change = paired(before, after, metric, level=level)
    assert not math.isnan(change.before + change.after), f"compare: no row has a value of '{metric}'"
    return Comparison(
        metric=metric,
        over=over,
        before=round(change.before, 6),
        after=round(change.after, 6),
        gain=change.gain,
        minimum_effect=minimum_effect,
        p_value=float(f"{p_value(before, after, metric):.3g}"),
        power=power(change.gain.value, minimum_effect, change.spread, change.gain.n, level),
    )


def significant(comparison: Comparison, level: float = LEVEL) -> bool:
    """Whether a gain is no chance: its interval, which was made at `level`, lies above 0, and the exact test says so too."""
    above = comparison.gain.low is not None and comparison.gain.low > 0
    return above and comparison.p_value is not None and comparison.p_value <= level


def missed_floors(evidence: Evidence, metrics: Metrics) -> list[str]:
    """Names of the contract's floors that `evidence` does not reach; a floor that has no value is not reached."""
    return [
        name
        for name, floor in metrics.floors.items()
        if name not in evidence.metrics or evidence.metrics[name].value < floor
    ]


def rank(evidence: Evidence, metrics: Metrics) -> tuple[int, float]:
    """Sort key for choosing among measured candidates, best last: fewest missed floors, then the primary metric."""
    primary = evidence.metrics.get(metrics.primary)
    return -len(missed_floors(evidence, metrics)), primary.value if primary else 0.0


def _floor(name: str, evidence: Evidence) -> str:
    return f"{name} {evidence.metrics[name].value:.3f}" if name in evidence.metrics else f"{name} (no value)"


def _verdict(comparison: Comparison, lost: Sequence[str], sure: bool) -> Verdict:
    gain, least = comparison.gain, comparison.minimum_effect
    if lost or gain.value <= 0 or (gain.high is not None and gain.high < least):
        return "keep"
    return "adopt" if sure and gain.value >= least else "not enough evidence"


def _too_few(rows: Sequence[Example], metric: str) -> str:
    """Why rows of a label are too few for a gain in macro-F1, in words; "" where they are not."""
    label, count = fewest(rows) if by_answer(metric) else ("", FEWEST)
    return "" if count >= FEWEST else f"macro-F1 takes {FEWEST} rows of each label, and {label} has {count}"


def _reason(comparison: Comparison, verdict: Verdict, lost: Sequence[str], open_still: str) -> str:
    gain = comparison.gain
    span = f"gain {gain.value:+.3f}"
    if gain.low is not None and gain.high is not None:
        span += f" [{gain.low:+.3f}, {gain.high:+.3f}], {shown_p(comparison.p_value)}, n = {gain.n}"
    figures = f"{comparison.metric} {comparison.before:.3f} → {comparison.after:.3f} over {comparison.over} ({span})"
    if lost:
        return f"{figures}, but it misses a floor of the contract: {', '.join(lost)}"
    why = {
        "adopt": f"the interval lies above 0 and the gain reaches {comparison.minimum_effect:g}",
        "keep": "no gain" if gain.value <= 0 else f"the gain is surely below {comparison.minimum_effect:g}",
        "not enough evidence": open_still,
    }[verdict]
    return f"{figures}: {why}"


def _unsettled(comparison: Comparison, sure: bool) -> str:
    """What the rows leave open, in words, and how many would settle it."""
    if comparison.gain.low is None:
        return f"one row settles nothing{_needed(comparison)}"
    if comparison.gain.low > 0 and not sure:
        why = "the interval lies above 0, but the exact test does not rule out chance"
    else:
        why = f"the interval does not settle a gain of {comparison.minimum_effect:g}"
    return f"{why}{_needed(comparison)}"


def _needed(comparison: Comparison) -> str:
    power = comparison.power
    if power is None or power.rows is None:
        return ""
    twice = "," if comparison.gain.value > comparison.minimum_effect else ", twice that,"
    return (
        f"; for 80 % power at a gain of {power.effect:.3f}{twice} {power.rows:,} rows are needed, "
        f"and these {comparison.gain.n} suffice for {power.detectable:.3f}"
    )
