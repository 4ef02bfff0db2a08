"""Windows of answered requests, and the numbers that describe one. Not covered: topics, embeddings, raw-text drift."""

from collections.abc import Sequence
from typing import Any

from components.measure import abstains
from components.text import count

COLUMNS = ("input_words", "input_characters", "answer_words", "abstained", "top_score", "score_margin", "seconds")


def descriptors(rows: Sequence[dict[str, Any]], abstain: str | None = None) -> list[dict[str, float | None]]:
    """One row of `COLUMNS` for each answered request.

    rows: {"input", "answer", "scores", "seconds"}, as in the traffic log. abstain: the contract's word for "I do not know".
    An answer given without a passage has score 0; `score_margin` is the lead of the first passage over the second.
    """
    return [_describe(row, abstain) for row in rows]


def _describe(row: dict[str, Any], abstain: str | None) -> dict[str, float | None]:
    scores = [float(score) for score in row.get("scores") or []]
    asked, said = str(row["input"]), str(row["answer"])
    seconds = row.get("seconds")
    return {
        "input_words": float(count(asked)),
        "input_characters": float(len(row["input"])),
        "answer_words": float(count(said)),
        "abstained": float(abstains(abstain, said)),
        "top_score": scores[0] if scores else 0.0,
        "score_margin": scores[0] - scores[1] if len(scores) > 1 else 0.0,
        "seconds": None if seconds is None else float(seconds),
    }
