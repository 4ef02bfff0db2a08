"""Which answers a card shows."""

from collections.abc import Sequence
from typing import Any

from components.text import same

KEPT = ("id", "text", "answer", "reference", "passage", "passages", "slices")


def pick_examples(rows: Sequence[dict[str, Any]], metric: str, count: int = 4) -> dict[str, list[dict[str, Any]]]:
    """The `count` best and worst rows of an evidence table by per-example `metric`.

    rows: as `measure` writes them. Where the metric has no value per example (macro F1), exact agreement with the reference
    takes its place. Ties go by id, which is a content hash: a sample that nobody chose. Returns {"best", "worst"}, each row
    with a `score`; no row is in both.
    """
    scored = [{**{key: row.get(key) for key in KEPT}, "score": _score(row, metric)} for row in rows]
    scored = sorted(
        (row for row in scored if row["score"] is not None), key=lambda row: (-float(row["score"] or 0), str(row["id"]))
    )
    half = min(count, len(scored) // 2 or len(scored))
    return {"best": scored[:half], "worst": scored[half:][-half:][::-1]}


def _score(row: dict[str, Any], metric: str) -> float | None:
    if metric in row:
        return None if row[metric] is None else float(row[metric])
    return float(same(str(row.get("answer"))) == same(str(row.get("reference"))))
