"""Whether a step that filters, removes or labels treats groups alike: counts before and after, and an exact test.

Any step `before → after` can be judged: give its members before and after, each with the groups that it belongs to. A group
that loses members (or has labels changed, or is given one label) more often than all others is named where Fisher's exact
test, corrected over all groups and steps by Holm (1979), says that chance would do it in fewer than 1 of 20 runs. Not
covered: groups of groups.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

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
    """What one step did: (group, `drops`, `relabels` or `gives '<label>' to`) → [hit in the group, group, hit elsewhere,
    elsewhere]."""

    step: str
    before: int
    after: int
    groups: dict[str, tuple[int, int]]
    """Group → members before, after."""
    tables: dict[tuple[str, str], tuple[int, int, int, int]] = field(default_factory=dict)
    unit: str = "rows"
    """What its members are: rows, or passages."""


class Biased(TypedDict):
    """A step that treats a group unlike the others beyond chance: what it does to which unit, how often in the group and
    among the others, and the corrected p."""

    step: str
    does: str
    unit: str
    group: str
    rate: float
    others: float
    p: float


class Concentration(TypedDict):
    """How much hangs on one source (see `concentration`)."""

    largest: str | None
    share: float
    herfindahl: float


def effect(step: str, before: Iterable[Member], after: Iterable[Member], unit: str = "rows") -> Effect:
    """Compare the members of `before` with those of the same id in `after`. Members that are new in `after` count there."""
    first, second = {one.id: one for one in before}, {one.id: one for one in after}
    hit = {
        "drops": {name for name in first if name not in second},
        "relabels": {name for name in first if name in second and first[name].label != second[name].label},
    }
    held = Counter(group for one in first.values() for group in one.groups)
    left = Counter(group for one in second.values() for group in one.groups)
    tables = {key: table for what, names in hit.items() for key, table in _tables(what, names, first, held).items()}
    groups = {group: (held[group], left[group]) for group in sorted({*held, *left})}
    return Effect(step, len(first), len(second), groups, tables, unit)


def given_labels(step: str, members: Iterable[Member]) -> Effect:
    """Which labels a step gave to the members of each group, where nobody had labelled them before."""
    there = {one.id: one for one in members}
    held = Counter(group for one in there.values() for group in one.groups)
    tables: dict[tuple[str, str], tuple[int, int, int, int]] = {}
    for label in sorted({one.label for one in there.values()}):
        names = {name for name, one in there.items() if one.label == label}
        tables |= _tables(f"gives '{label}' to", names, there, held)
    return Effect(step, len(there), len(there), {group: (held[group], held[group]) for group in sorted(held)}, tables)


def _tables(
    what: str, names: set[str], members: dict[str, Member], held: Counter[str]
) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    """Of each group that is large enough: how many of the members `names`, which a step did `what` to, are in it."""
    inside = Counter(group for name in names for group in members[name].groups)
    return {
        (group, what): (inside[group], count, len(names) - inside[group], len(members) - count)
        for group, count in sorted(held.items())
        if names and FEWEST <= count <= len(members) - FEWEST
    }


def biased(effects: Sequence[Effect]) -> list[Biased]:
    """The steps that treat a group unlike the others beyond chance: step, what it does to which unit, group, its rate, the
    others' rate, and p (one-sided, corrected), surest first."""
    from scipy.stats import fisher_exact

    tested = []
    for one in effects:
        for (group, what), (inside, size, outside, others) in one.tables.items():
            p = fisher_exact([[inside, size - inside], [outside, others - outside]], alternative="greater").pvalue
            tested.append((float(p), one.step, what, group, inside / size, outside / others, one.unit))
    tested.sort()
    named, corrected = list[Biased](), 0.0
    for rank, (p, step, what, group, rate, elsewhere, unit) in enumerate(tested):
        corrected = min(1.0, max(corrected, p * (len(tested) - rank)))
        if corrected >= ALPHA:
            break
        named.append(
            {
                "step": step,
                "does": what,
                "unit": unit,
                "group": group,
                "rate": round(rate, 4),
                "others": round(elsewhere, 4),
                "p": float(f"{corrected:.3g}"),
            }
        )
    return named


def concentration(counts: dict[str, int]) -> Concentration:
    """How much hangs on one source: the largest, its share, and the Herfindahl index (the sum of squared shares; 1: one
    source, 1/k: k equal ones)."""
    total = sum(counts.values())
    if not total:
        return {"largest": None, "share": 0.0, "herfindahl": 0.0}
    largest = max(sorted(counts), key=lambda name: counts[name])
    index = sum((count / total) ** 2 for count in counts.values())
    return {"largest": largest, "share": round(counts[largest] / total, 4), "herfindahl": round(index, 4)}
