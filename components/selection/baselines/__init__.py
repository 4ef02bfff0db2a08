"""Plain baselines: the best application of each task kind that has no language model, fitted on the training rows.

Every file exposes `fit(task, metrics, dataset, rows, step) -> Candidate`; rows: training rows it may use (None: all).
"""

from components.core import Candidate, Dataset, Metrics, Step, Task

from . import best_sentence, lead_sentences, tfidf_linear

FITS = {
    "question_answering": best_sentence.fit,
    "classification": tfidf_linear.fit,
    "summarization": lead_sentences.fit,
}


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """The plain baseline for `task`, as a Candidate that can be measured and released."""
    return FITS[task.kind](task, metrics, dataset, rows, step)
