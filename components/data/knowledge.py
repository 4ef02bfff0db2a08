"""Which passages stand in the knowledge base, and which of them training may see."""

from dataclasses import dataclass

from components.core import Passage, Row

from .normal import Overlap
from .rows import Collected
from .split import shuffled


@dataclass(frozen=True)
class Knowledge:
    """`training` lacks every passage of validation, test and benchmark items."""

    whole: list[Passage]
    training: list[Passage]


def knowledge(
    collected: Collected,
    used: list[Row],
    held_out: list[Row],
    benchmarks: list[tuple[str, str]],
    cap: int | None,
    near: float,
    seed: int,
) -> Knowledge:
    """Choose the passages of the base.

    used: rows whose passages always stay. held_out: all rows of validation and test. benchmarks: (benchmark, passage).
    """
    if not collected.passages:
        return Knowledge([], [])
    whole = _choose(collected.passages, {row.passage for row in used if row.passage}, cap, seed)
    banned = {row.passage: collected.questioned[row.passage] for row in held_out if row.passage}
    overlap = Overlap([*(("held out", text) for text in banned.values()), *benchmarks], near, shared=None)
    training = [passage for passage in whole if passage.id not in banned and not overlap.find(passage.text)]
    return Knowledge(whole, training)


def _choose(passages: dict[str, Passage], needed: set[str], cap: int | None, seed: int) -> list[Passage]:
    """The needed passages, filled up to `cap` with others; in order of id. A larger cap only adds passages."""
    there = needed & set(passages)
    others = [name for name in shuffled(passages, seed) if name not in there]
    room = len(others) if cap is None else max(0, cap - len(there))
    return [passages[name] for name in sorted([*there, *others[:room]])]
