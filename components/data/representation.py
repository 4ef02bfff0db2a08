"""Whether a step that filters, removes or labels treats groups alike: counts before and after, and an exact test.

Any step `before → after` can be judged: give its members before and after, each with the groups that it belongs to. A group
that loses members (or has labels changed) more often than all others is named where Fisher's exact test, corrected over all
groups and steps by Holm (1979), says that chance would do it in fewer than 1 of 20 runs. Not covered: groups of groups.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

ALPHA = 0.05
"""Chance that a run with no biased step names any."""
FEWEST = 5
"""Members that a group must have to be tested; smaller ones are counted only."""


@dataclass(frozen=True)
class Member:
    """A row as one step sees it. groups: slices, identity terms, source …; label: what a labelling step may change."""

    id: str
    groups: frozenset[str]
    label: str = ""


@dataclass(frozen=True)
class Effect:
    """What one step did: (group, `drops` or `relabels`) → [hit in the group, group, hit elsewhere, elsewhere]."""

    step: str
    before: int
    after: int
    groups: dict[str, tuple[int, int]]
    """Group → members before, after."""
    tables: dict[tuple[str, str], tuple[int, int, int, int]] = field(default_factory=dict)


def effect(step: str, before: Iterable[Member], after: Iterable[Member]) -> Effect:
    """Compare the members of `before` with those of the same id in `after`. Members that are new in `after` count there."""
    first, second = {one.id: one for one in before}, {one.id: one for one in after}
    hit = {
        "drops": {name for name in first if name not in second},
        "relabels": {name for name in first if name in second and first[name].label != second[name].label},
    }
    held = Counter(group for one in first.values() for group in one.groups)
    left = Counter(group for one in second.values() for group in one.groups)
    tables = {}
    for what, names in hit.items():
        inside = Counter(group for name in names for group in first[name].groups)
        for group, count in sorted(held.items()):
            if names and FEWEST <= count <= len(first) - FEWEST:
                tables[group, what] = (inside[group], count, len(names) - inside[group], len(first) - count)
    groups = {group: (held[group], left[group]) for group in sorted({*held, *left})}
    return Effect(step, len(first), len(second), groups, tables)


def biased(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """The steps that treat a group worse than the others beyond chance: step, what it does, group, its rate, the others'
    rate, and p (one-sided, corrected), surest first."""
    from scipy.stats import fisher_exact

    tested = []
    for one in effects:
        for (group, what), (inside, size, outside, others) in one.tables.items():
            p = fisher_exact([[inside, size - inside], [outside, others - outside]], alternative="greater").pvalue
            tested.append((float(p), one.step, what, group, inside / size, outside / others))
    tested.sort()
    found, corrected = [], 0.0
    for rank, (p, step, what, group, rate, elsewhere) in enumerate(tested):
        corrected = min(1.0, max(corrected, p * (len(tested) - rank)))
        if corrected >= ALPHA:
            break
        figures = {"rate": round(rate, 4), "others": round(elsewhere, 4), "p": float(f"{corrected:.3g}")}
        found.append({"step": step, "does": what, "group": group, **figures})
    return found


def concentration(counts: dict[str, int]) -> dict[str, Any]:
    """How much hangs on one source: the largest, its share, and the Herfindahl index (the sum of squared shares; 1: one
    source, 1/k: k equal ones)."""
    total = sum(counts.values())
    if not total:
        return {"largest": None, "share": 0.0, "herfindahl": 0.0}
    largest = max(sorted(counts), key=lambda name: counts[name])
    index = sum((count / total) ** 2 for count in counts.values())
    return {"largest": largest, "share": round(counts[largest] / total, 4), "herfindahl": round(index, 4)}
