"""Question answering without a language model: the best sentence of BM25's best passage, and silence below a score.

The score under which it abstains is calibrated on training questions, asked of the whole knowledge base as callers will:
the threshold that reaches most of the contract's floors, and then the highest primary metric. Where there is no knowledge
base, the answer is always the contract's abstention, or the most frequent training answer.
"""

from collections import Counter
from typing import Any

from components.application import answering, constant
from components.core import Baseline, Candidate, Dataset, Metrics, Retriever, Row, Runtime, Step, Task
from components.measure import examples, measure, per_example

THRESHOLDS = 50
"""Quantiles of the training scores that are tried; each is one pass over a table in memory."""


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """best_sentence over `dataset.knowledge`, its `abstain_below` calibrated on the first `rows` training rows."""
    if dataset.knowledge is None:
        return constant(task, task.abstain or _most_frequent(dataset.rows("train", step.store)))
    candidate = Candidate(
        task=task.kind,
        abstain=task.abstain,
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="best_sentence"),
        retriever=Retriever(mode="bm25", knowledge=dataset.knowledge.object, top_k=1),
    )
    if task.abstain is None or not dataset.splits["train"].count:
        return candidate
    with answering(candidate, step.store, step.machine) as answer:
        evidence = measure(candidate, answer, dataset.splits["train"], task, step, rows)
    threshold = calibrate(task, metrics, examples(evidence, step.store))
    return candidate.model_copy(update={"baseline": Baseline(kind="best_sentence", abstain_below=threshold)})


def calibrate(task: Task, metrics: Metrics, table: list[dict[str, Any]]) -> float | None:
    """The best `abstain_below` for a table of answers given without one; None: never abstaining is best.

    table: per-example rows of `measure`; the smallest of equally good thresholds is taken, since it answers most.
    """
    scores = sorted({_score(row) for row in table})
    tried = sorted({scores[int(i * (len(scores) - 1) / THRESHOLDS)] for i in range(THRESHOLDS + 1)}) if scores else []
    best, best_rank = None, _rank(task, metrics, table, None)
    for threshold in tried:
        found = _rank(task, metrics, table, threshold)
        if found > best_rank:
            best, best_rank = threshold, found
    return best


def _rank(task: Task, metrics: Metrics, table: list[dict[str, Any]], threshold: float | None) -> tuple[int, float]:
    """Most floors reached, then the primary metric, if answers scored below `threshold` were abstentions."""
    figures = [_figures(task, row, threshold is not None and _score(row) < threshold) for row in table]
    missed = sum(_mean(figures, name) < floor for name, floor in metrics.floors.items())
    return -missed, _mean(figures, metrics.primary)


def _figures(task: Task, row: dict[str, Any], silent: bool) -> dict[str, Any]:
    if not silent:
        return row
    asked = Row(id=row["id"], text=row["text"], answer=row["reference"], passage=row["passage"])
    return per_example(task, asked, task.abstain or "", row["passages"])


def _mean(figures: list[dict[str, Any]], name: str) -> float:
    values = [figure[name] for figure in figures if figure.get(name) is not None]
    return sum(values) / len(values) if values else 0.0


def _score(row: dict[str, Any]) -> float:
    return float(row["scores"][0]) if row["scores"] else 0.0


def _most_frequent(rows: list[Row]) -> str:
    counts = Counter(row.answer for row in rows)
    return min(counts, key=lambda answer: (-counts[answer], answer)) if counts else ""
