"""The primary metric by the groups of people that a question and its passages name."""

from collections.abc import Sequence

from components.core import Example, figure_of
from components.measure.item_figures import Apart, by_group
from components.text.identity_terms import identities

FEWEST = 20
"""Rows under which a group's figure is left out: the mean of fewer moves by more than 0.2 from chance alone."""


def groups_apart(table: Sequence[Example], primary: str) -> tuple[dict[str, Apart], tuple[str, ...]]:
    """(difference and ratio between the best and the worst group, notes) over a per-example table.

    A row counts for every group that it names, and for `nobody` where it names none. Where fewer than two groups have
    enough rows there are no figures, and the note says so.
    """
    if not table:
        return {}, ()
    metric = "accuracy" if primary == "macro_f1" else primary  # macro-F1 has no value per row
    groups: dict[str, dict[str, float]] = {}
    for row in table:
        if (figure := figure_of(row, metric)) is None:
            continue
        for group in _groups(row):
            groups.setdefault(group, {})[row["id"]] = figure
    enough = {group: values for group, values in sorted(groups.items()) if len(values) >= FEWEST}
    few = [f"{group} ({len(values)})" for group, values in sorted(groups.items()) if len(values) < FEWEST]
    notes = [f"too few rows, under {FEWEST}, of: {', '.join(few)}"] if few else []
    if len(enough) < 2:
        return {}, (*notes, f"{metric} by group: not measured, too few rows of more than one group")
    means = by_group(enough).by_group
    worst, best = means.idxmin(), means.idxmax()
    notes.append(f"{metric} by group: lowest {worst} {means[worst]:.3f}, highest {best} {means[best]:.3f}")
    figures = {f"{metric} by group, difference": Apart(kind="difference", groups=enough)}
    if means[best] > 0:  # a ratio of zeros is none
        figures[f"{metric} by group, ratio"] = Apart(kind="ratio", groups=enough)
    return figures, tuple(notes)


def _groups(row: Example) -> list[str]:
    return sorted(identities(" ".join([row["text"], *row.get("context", ())]))) or ["nobody"]
