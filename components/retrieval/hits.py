"""How well a retriever finds: hit@1, hit@5, mean reciprocal rank, nDCG@10, and how often the answer stands in the context.

`support` is what a reader model lives on: the share of answerable questions whose reference answer is a run of words in the
context that the prompt would hold. An upper bound by string match: the words may stand there by chance, and a right answer
may be worded differently. Not covered: whether the model uses the context (the stage measures answers for that).
"""

from collections.abc import Sequence
from math import log2
from typing import TypedDict

from components.application import Hit
from components.core import Row, Task, figure_of
from components.measure import abstains
from components.text import count, holds

SEARCHED = 50
"""Chunks fetched a question, so that ten different passages are among them."""

QuestionHits = TypedDict(
    "QuestionHits",
    {
        "id": str,
        "hit@1": float | None,
        "hit@5": float | None,
        "mrr": float | None,
        "ndcg@10": float | None,
        "support": float | None,
        "words": int,
    },
)
"""What a search was worth for one question; None where a figure does not apply."""


def score(
    task: Task, rows: Sequence[Row], hits: Sequence[Sequence[Hit]], top_k: int, *, in_texts: bool = True
) -> list[QuestionHits]:
    """One row a question.

    hits:     those of each row, best first; the context is the first `top_k` of them
    in_texts: whether answers are words of texts; a "yes" stands anywhere by chance, and `support` would say nothing
    """
    table = [_one(task, row, of_row, top_k) for row, of_row in zip(rows, hits, strict=True)]
    return table if in_texts else [{**row, "support": None} for row in table]


def means(table: Sequence[QuestionHits]) -> dict[str, float]:
    """Mean of each figure over the questions that have it."""
    figures = {}
    for name in ("hit@1", "hit@5", "mrr", "ndcg@10", "support", "words"):
        known = [value for row in table if (value := figure_of(row, name)) is not None]
        if known:
            figures[name] = round(sum(known) / len(known), 4)
    return figures


def _one(task: Task, row: Row, hits: Sequence[Hit], top_k: int) -> QuestionHits:
    passages = list(dict.fromkeys(hit.passage for hit in hits))
    rank = passages.index(row.passage) + 1 if row.passage in passages else None
    context = " ".join(hit.text for hit in hits[:top_k])
    answerable = not abstains(task.abstain, row.answer)
    return {
        "id": row.id,
        "hit@1": float(rank == 1) if row.passage else None,
        "hit@5": float(rank is not None and rank <= 5) if row.passage else None,
        "mrr": (1 / rank if rank else 0.0) if row.passage else None,
        # of one right passage: Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418
        "ndcg@10": (1 / log2(1 + rank) if rank and rank <= 10 else 0.0) if row.passage else None,
        "support": float(holds(context, row.answer)) if answerable else None,
        "words": count(context),
    }
