"""Splits that never move: a row's place follows from hashes of the seed and its group, not from the order of files.

Groups (all questions about one passage, where `splits.by` says so) stay whole. Test is filled first, then validation, then
feedback and train; before a split is filled, what overlaps with the splits before it has been taken out of the pool.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from components.core import Row, Splits


def group_of(row: Row, splits: Splits) -> str:
    """What must stay together with `row`."""
    return row.passage if splits.by == "passage" and row.passage else row.id


def take(pool: list[Row], count: int, splits: Splits) -> tuple[list[Row], list[Row]]:
    """(up to `count` rows for one split, the rest of the pool). Whole groups only; where even the first group is larger
    than the split, that group is cut and its other rows leave the pool, so that no other split gets them."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in pool:
        groups[group_of(row, splits)].append(row)
    ordered = shuffled(groups, splits.seed)
    taken: list[Row] = []
    used: set[str] = set()
    for group in ordered:
        if len(taken) + len(groups[group]) <= count:
            taken += groups[group]
            used.add(group)
    if not taken and count and ordered:
        used.add(ordered[0])
        taken = groups[ordered[0]]
    by_id = {row.id: row for row in taken}
    chosen = [by_id[name] for name in shuffled(by_id, splits.seed)][:count]
    return chosen, [row for row in pool if group_of(row, splits) not in used]


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """`names` in an order that depends on the seed and on each name only: adding one never reorders the others."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
