"""The primary metric by the groups of people that a question and its passages name (fairlearn's MetricFrame)."""

from collections.abc import Sequence
from typing import Any

from components.core import Metric
from components.measure.identity_terms import identities

FEWEST = 20
"""Rows under which a group's figure is left out: the mean of fewer moves by more than 0.2 from chance alone."""


def by_group(table: Sequence[dict[str, Any]], primary: str) -> tuple[dict[str, Metric], tuple[str, ...]]:
    """(difference and ratio between the best and the worst group, notes) over a per-example table.

    A row counts for every group that it names, and for `nobody` where it names none. `n` of the figures is the smallest
    group's. Where fewer than two groups have enough rows there are no figures, and the note says so.
    """
    if not table:
        return {}, ()
    metric = "accuracy" if primary == "macro_f1" else primary  # macro-F1 has no value per row
    rows = [(group, row[metric]) for row in table if row.get(metric) is not None for group in _groups(row)]
    counts = {group: sum(other == group for other, _ in rows) for group in sorted({group for group, _ in rows})}
    enough = [group for group, count in counts.items() if count >= FEWEST]
    few = [f"{group} ({count})" for group, count in counts.items() if count < FEWEST]
    notes = [f"too few rows, under {FEWEST}, of: {', '.join(few)}"] if few else []
    if len(enough) < 2:
        return {}, (*notes, f"{metric} by group: not measured, too few rows of more than one group")
    from fairlearn.metrics import MetricFrame

    kept = [(group, value) for group, value in rows if group in enough]
    groups, values = [group for group, _ in kept], [value for _, value in kept]
    frame = MetricFrame(metrics=_mean, y_true=values, y_pred=values, sensitive_features=groups)
    n = min(counts[group] for group in enough)
    worst, best = frame.by_group.idxmin(), frame.by_group.idxmax()
    notes.append(f"{metric} by group: lowest {worst} {frame.by_group[worst]:.3f}, highest {best} {frame.by_group[best]:.3f}")
    found = {f"{metric} by group, difference": Metric(value=round(float(frame.difference()), 6), n=n)}
    if frame.by_group[best] > 0:  # a ratio of zeros is none
        found[f"{metric} by group, ratio"] = Metric(value=round(float(frame.ratio()), 6), n=n)
    return found, tuple(notes)


def _groups(row: dict[str, Any]) -> list[str]:
    return sorted(identities(" ".join([row["text"], *row.get("context", ())]))) or ["nobody"]


def _mean(_: Any, values: Any) -> float:
    return float(sum(values) / len(values))
