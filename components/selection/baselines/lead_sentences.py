"""Summarisation without a language model: the first n sentences, n chosen on training rows (the LEAD-n baseline of news
summarisation, Nenkova 2005)."""

from components.application import answering
from components.core import Baseline, Candidate, Dataset, Metrics, Runtime, Step, Task
from components.measure import measure, rank

MOST = 5
"""Longest lead that is tried."""


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """lead_sentences with the n in 1..5 that is best on the first `rows` training rows; 3 where there are none."""
    runtime = Runtime(engine="baseline", dtype="float32")
    leads = [
        Candidate(task=task.kind, runtime=runtime, baseline=Baseline(kind="lead_sentences", sentences=count))
        for count in range(1, MOST + 1)
    ]
    if not dataset.splits["train"].count:
        return leads[2]
    ranks = []
    for candidate in leads:
        with answering(candidate, step.store, step.machine) as answer:
            ranks.append(rank(measure(candidate, answer, dataset.splits["train"], task, step, rows), metrics))
    return leads[ranks.index(max(ranks))]
