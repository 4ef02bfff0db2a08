"""Two Evidences in, one Decision out: a paired bootstrap over the per-example tables of both, on the same rows.

Paired, because two systems answer the same easy and hard questions: Koehn 2004, "Statistical significance tests for machine
translation evaluation". Not covered: correction for many comparisons (stages compare one winner with what was at hand).
"""

import math
from typing import Any

from components.core import Comparison, Decision, Evidence, Metrics, Store, Verdict, read_jsonl

from .intervals import paired


def examples(evidence: Evidence, store: Store) -> list[dict[str, Any]]:
    """The per-example rows behind `evidence`, in the order of the split."""
    return read_jsonl(store.file(evidence.table))


def compare(
    before: Evidence, after: Evidence, metrics: Metrics, store: Store, *, over: str, metric: str | None = None
) -> Decision:
    """Decide whether `after` is worth it over `before`, on `metric` (default: the contract's primary one).

    adopt               the gain's interval lies above 0 and the gain is at least `metrics.minimum_effect`
    keep                the gain is not positive, or its interval lies below the minimum effect, or `after` misses a floor of
                        the contract that `before` reaches
    not enough evidence otherwise

    over: what it is compared with, in words, for the reason. Raises AssertionError when the two do not cover the same rows,
    or when neither has a value of the metric.
    """
    name = metric or metrics.primary
    first, second = examples(before, store), examples(after, store)
    assert [row["id"] for row in first] == [row["id"] for row in second], f"compare: not the same rows ({over})"
    start, end, gain = paired(first, second, name)
    assert not math.isnan(start + end), f"compare: no row has a value of '{name}' on split '{after.split}'"
    comparison = Comparison(
        metric=name, over=over, before=round(start, 6), after=round(end, 6), gain=gain, minimum_effect=metrics.minimum_effect
    )
    lost = [floor for floor in missed_floors(after, metrics) if floor not in missed_floors(before, metrics)]
    verdict = _verdict(gain.value, gain.low or 0.0, gain.high or 0.0, metrics.minimum_effect, lost)
    return Decision(verdict=verdict, reason=_reason(comparison, verdict, lost, after), comparison=comparison)


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


def _verdict(gain: float, low: float, high: float, minimum: float, lost: list[str]) -> Verdict:
    if lost or gain <= 0 or high < minimum:
        return "keep"
    return "adopt" if low > 0 and gain >= minimum else "not enough evidence"


def _reason(found: Comparison, verdict: Verdict, lost: list[str], after: Evidence) -> str:
    gain = found.gain
    span = f"gain {gain.value:+.3f}"
    if gain.low is not None and gain.high is not None:
        span += f" [{gain.low:+.3f}, {gain.high:+.3f}], n = {gain.n}"
    figures = f"{found.metric} {found.before:.3f} → {found.after:.3f} over {found.over} ({span})"
    if lost:
        values = [
            f"{name} {after.metrics[name].value:.3f}" if name in after.metrics else f"{name} (no value)" for name in lost
        ]
        return f"{figures}, but it misses a floor of the contract: {', '.join(values)}"
    why = {
        "adopt": f"the interval lies above 0 and the gain reaches {found.minimum_effect:g}",
        "keep": "no gain" if gain.value <= 0 else f"the gain is surely below {found.minimum_effect:g}",
        "not enough evidence": f"the interval does not settle a gain of {found.minimum_effect:g}",
    }[verdict]
    return f"{figures}: {why}"
