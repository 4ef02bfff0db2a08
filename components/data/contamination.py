"""Divides rows into splits so that nothing that training sees turns up in validation, test or the benchmarks.

Test is filled first, then validation, then feedback and train; before a split is filled, rows that overlap with the splits
before it (and, for feedback and train, with benchmark items) are removed from the pool and counted.
"""

from collections import Counter
from dataclasses import dataclass

from components.core import Passage, Row, Splits

from .normal import Overlap
from .split import take

Text = tuple[str, str]
"""(where it is from, text)"""


@dataclass(frozen=True)
class Divided:
    """The whole splits, before any cap. removed: `where: how` → rows; unused: rows that no split had room for."""

    splits: dict[str, list[Row]]
    removed: Counter[str]
    unused: int


def without_overlaps(
    rows: list[Row], passages: dict[str, Passage], questions: list[Text], held_out: list[Text], near: float, shared: int
) -> tuple[list[Row], Counter[str]]:
    """Practice rows that share neither their question with `questions` nor their passage with `held_out`, and how many were
    removed by `where: how`."""
    asked, read = Overlap(questions, near, shared), Overlap(held_out, near, shared=None)
    banned = {name: read.find(passage.text) for name, passage in passages.items()}
    hits = {row.id: asked.find(row.text) or banned[row.passage or ""] for row in rows}
    removed = Counter(f"{hit[0]}: {hit[1]}" for hit in hits.values() if hit)
    return [row for row in rows if not hits[row.id]], removed


def divide(rows: list[Row], splits: Splits, benchmarks: list[Text], near: float, shared: int) -> Divided:
    """Fill the splits from `rows`. benchmarks: the questions of benchmark items."""
    removed: Counter[str] = Counter()

    def clean(pool: list[Row], texts: list[Text]) -> list[Row]:
        overlap = Overlap(texts, near, shared)
        found = {row.id: overlap.find(row.text) for row in pool}
        removed.update(f"{hit[0]}: {hit[1]}" for hit in found.values() if hit)
        return [row for row in pool if not found[row.id]]

    test, pool = take(rows, splits.test, splits)
    pool = clean(pool, [("test", row.text) for row in test])
    validation, pool = take(pool, splits.validation, splits)
    pool = clean(pool, [*(("validation", row.text) for row in validation), *benchmarks])
    feedback, pool = take(pool, splits.feedback, splits)
    train, pool = take(pool, splits.train, splits)
    return Divided({"train": train, "feedback": feedback, "validation": validation, "test": test}, removed, len(pool))
