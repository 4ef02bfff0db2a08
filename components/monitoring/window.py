"""Windows of answered requests, and the numbers that describe one. Not covered: topics, embeddings, raw-text drift."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict, cast

from components.measure import abstains
from components.text import count

COLUMNS = ("input_words", "input_characters", "answer_words", "abstained", "top_score", "score_margin", "seconds")


class Answered(TypedDict):
    """What is read of an answered request, as it is in the traffic log."""

    input: str
    answer: str
    scores: NotRequired[list[float] | None]
    seconds: NotRequired[float | None]


def descriptors(rows: Sequence[Mapping[str, object]], abstain: str | None = None) -> list[dict[str, float | None]]:
    """One row of `COLUMNS` for each answered request.

    rows: {"input", "answer", "scores", "seconds"}, as in the traffic log. abstain: the contract's word for "I do not know".
    An answer given without a passage has score 0; `score_margin` is the lead of the first passage over the second.
    """
    return [_describe(cast(Answered, row), abstain) for row in rows]


def _describe(row: Answered, abstain: str | None) -> dict[str, float | None]:
    scores = [float(score) for score in row.get("scores") or []]
    asked, answer = str(row["input"]), str(row["answer"])
    seconds = row.get("seconds")
    return {
        "input_words": float(count(asked)),
        "input_characters": float(len(row["input"])),
        "answer_words": float(count(answer)),
        "abstained": float(abstains(abstain, answer)),
        "top_score": scores[0] if scores else 0.0,
        "score_margin": scores[0] - scores[1] if len(scores) > 1 else 0.0,
        "seconds": None if seconds is None else float(seconds),
    }
