"""Splits that never move: a row's place follows from hashes of the seed and its group, not from the order of files.

Groups (all questions about one passage, where `splits.by` says so; the rows of one conversation) stay whole. Test is filled
first, then validation, then feedback and train; before a split is filled, what overlaps with the splits before it has been
taken out of the pool. Where answers are few (labels; answerable or not), each split gets a row of each as long as there is
one, and leaves one to each split behind it: hashes alone would leave rare labels out of one or another. Where they do not,
nothing moves.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from components.core import Row, Splits


def group_of(row: Row, splits: Splits) -> str:
    """What must stay together with `row`."""
    if row.conversation:
        return row.conversation
    return row.passage if splits.by == "passage" and row.passage else row.id


def answer_class(row: Row) -> str:
    """What of a row each split must hold, where answers are few: its label, or whether it can be answered."""
    return row.slices.get("answerable") or row.answer


def take(pool: list[Row], count: int, splits: Splits, classed: bool = False, behind: int = 0) -> tuple[list[Row], list[Row]]:
    """(up to `count` rows for one split, the rest of the pool). Whole groups only; where even the first group is larger
    than the split, that group is cut and its other rows leave the pool, so that no other split gets them.

    classed: answers are few, and each must be there; behind: how many splits are filled after this one.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in pool:
        groups[group_of(row, splits)].append(row)
    ordered = shuffled(groups, splits.seed)
    if classed:
        ordered = _each_class([(name, {answer_class(row) for row in groups[name]}) for name in ordered], behind)
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
    ids = shuffled(by_id, splits.seed)
    return first([by_id[name] for name in ids], count, classed), [row for row in pool if group_of(row, splits) not in used]


def first(rows: list[Row], count: int | None, classed: bool = False) -> list[Row]:
    """The first `count` rows (all where None), in their order; where answers are few, with one row of each class that there
    is room for in place of the last ones."""
    if not classed or count is None:
        return rows[:count]
    by_id = {row.id: row for row in rows}
    chosen = set(_each_class([(row.id, {answer_class(row)}) for row in rows])[:count])
    return [row for name, row in by_id.items() if name in chosen]


def _each_class(ordered: list[tuple[str, set[str]]], behind: int = 0) -> list[str]:
    """Names in their order, but the first one of each class before all others, and the last `behind` of each class, which
    are for the splits behind this one, after all others."""
    of_class: dict[str, list[str]] = defaultdict(list)
    for name, classes in ordered:
        for one in classes:
            of_class[one].append(name)
    front = {names[0] for names in of_class.values()}
    back = {name for names in of_class.values() for name in names[max(1, len(names) - behind) :]} - front
    return sorted((name for name, _ in ordered), key=lambda name: (name in back) - (name in front))


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """`names` in an order that depends on the seed and on each name only: adding one never reorders the others."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
