"""Question answering without a language model: the best sentence of BM25's best passage, and silence below a score.

The score under which it abstains is calibrated on training questions, asked of the whole knowledge base as callers will:
the threshold that reaches most of the contract's floors, and then the highest primary metric. Where there is no knowledge
base, the answer is always the contract's abstention, or the most frequent training answer.
"""

from collections import Counter
from typing import Any

from components.application import answering, constant
from components.core import Baseline, Candidate, Dataset, Metrics, Retriever, Row, Runtime, Step, Task
from components.measure import abstain_below, examples, measure


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """best_sentence over `dataset.knowledge`, its `abstain_below` calibrated on the first `rows` training rows."""
    if dataset.knowledge is None:
        return constant(task, task.abstain or _most_frequent(dataset.rows("train", step.store)))
    candidate = Candidate(
        task=task.kind,
        abstain=task.abstain,
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="best_sentence"),
        retriever=Retriever(scoring="bm25", knowledge=dataset.knowledge.object, top_k=1),
    )
    if task.abstain is None or not dataset.splits["train"].count:
        return candidate
    with answering(candidate, step.store, step.machine) as answer:
        evidence = measure(candidate, answer, dataset.splits["train"], task, step, rows)
    table = examples(evidence, step.store)
    threshold = abstain_below(task, metrics, table, [_score(row) for row in table])
    return candidate.model_copy(update={"baseline": Baseline(kind="best_sentence", abstain_below=threshold)})


def _score(row: dict[str, Any]) -> float:
    return float(row["scores"][0]) if row["scores"] else 0.0


def _most_frequent(rows: list[Row]) -> str:
    counts = Counter(row.answer for row in rows)
    return min(counts, key=lambda answer: (-counts[answer], answer)) if counts else ""
