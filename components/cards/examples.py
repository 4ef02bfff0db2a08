"""Which answers a card shows."""

from collections.abc import Sequence

from components.core import Example, figure_of
from components.text import same

KEPT = ("id", "text", "answer", "reference", "passage", "passages", "slices")


def pick_examples(rows: Sequence[Example], metric: str, count: int = 4) -> dict[str, list[dict[str, object]]]:
    """The `count` best and worst rows of an evidence table by per-example `metric`.

    rows: as `measure` writes them. Where the metric has no value per example (macro F1), exact agreement with the reference
    takes its place. Ties go by id, which is a content hash: a sample that nobody chose. Returns {"best", "worst"}, each row
    with a `score`; no row is in both.
    """
    scored = [(score, row) for row in rows if (score := _score(row, metric)) is not None]
    scored = sorted(scored, key=lambda pair: (-pair[0], pair[1]["id"]))
    shown: list[dict[str, object]] = [{**{key: row.get(key) for key in KEPT}, "score": score} for score, row in scored]
    half = min(count, len(shown) // 2 or len(shown))
    return {"best": shown[:half], "worst": shown[half:][-half:][::-1]}


def _score(row: Example, metric: str) -> float | None:
    return figure_of(row, metric) if metric in row else float(same(row["answer"]) == same(row["reference"]))
