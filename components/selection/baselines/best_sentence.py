"""Question answering without a language model: the best sentence of BM25's best passage, and silence below a score.

The score under which it abstains is calibrated on training questions, asked of the whole knowledge base as callers will:
the threshold that reaches most of the contract's floors, and then the highest primary metric. A text that comes with its
question has no score, and always gets an answer. Where there is neither, the answer is always the contract's abstention, or
the most frequent training answer. Where the training rows have few distinct answers (yes and no), a sentence can never be
one of them: a linear model over question and passage stands in.
"""

from components.application import answering, constant
from components.core import Baseline, Candidate, Dataset, Example, Metrics, Retriever, Runtime, Step, Task
from components.measure import abstain_below, examples, measure
from components.measure.answer_kinds import few_answers, most_frequent
from components.tasks import kept

from . import tfidf_linear


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """best_sentence over `dataset.knowledge`, its `abstain_below` calibrated on the first `rows` training rows; or, see
    above, the linear model or a constant."""
    train = dataset.rows("train", step.store)
    if few_answers(train[:rows]):
        return tfidf_linear.fit_closed(task, dataset, train[:rows], step)
    if dataset.knowledge is None and not task.given:
        return constant(task, task.abstain or most_frequent([row.answer for row in train]))
    candidate = Candidate(
        task=task.kind,
        abstain=task.abstain,
        own=kept(task),
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="best_sentence"),
        retriever=Retriever(scoring="bm25", knowledge=dataset.knowledge.object, top_k=1) if dataset.knowledge else None,
    )
    if dataset.knowledge is None or task.abstain is None or not dataset.splits["train"].count:
        return candidate
    with answering(candidate, step.store, step.machine) as answer:
        evidence = measure(candidate, answer, dataset.splits["train"], task, step, rows)
    table = examples(evidence, step.store)
    threshold = abstain_below(task, metrics, table, [_score(row) for row in table])
    return candidate.model_copy(update={"baseline": Baseline(kind="best_sentence", abstain_below=threshold)})


def _score(row: Example) -> float:
    return float(row["scores"][0]) if row["scores"] else 0.0
