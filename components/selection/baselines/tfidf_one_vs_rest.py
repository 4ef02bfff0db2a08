"""Several labels a text without a language model: TF-IDF of words and word pairs, and a logistic regression for each label
against all others, saved by skops (no pickle)."""

import warnings
from typing import TYPE_CHECKING

from components.application import as_terms
from components.core import BadInput, Baseline, Candidate, Dataset, Metrics, Runtime, Step, Task
from components.tasks import kept
from components.tasks.multilabel_classification import sets

from .tfidf_linear import STRENGTHS, saved, terms

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """tfidf_one_vs_rest fitted on the first `rows` training rows. Raises BadInput where all of them have the same labels."""
    import numpy as np

    train = dataset.rows("train", step.store)[:rows]
    if len({row.answer for row in train}) < 2:
        raise BadInput(
            f"data.splits.train: its {len(train)} rows all have the same labels of {', '.join(task.own['label_set'])}; "
            "give more training rows"
        )
    given = np.array([[label in sets(row.answer) for label in task.own["label_set"]] for row in train], dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a label that all texts of a fold have, or none: it needs no model
        model = _fitted([as_terms(row.text) for row in train], given)
    return Candidate(
        task=task.kind,
        own=kept(task),
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="tfidf_one_vs_rest", object=saved(model, step)),
    )


def _fitted(texts: list[str], given: "np.ndarray") -> "Pipeline":
    """given: [rows, labels], 1 where a row has the label. The regularisation is chosen by cross-validation on micro-F1."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import Pipeline

    linear = LogisticRegression(C=STRENGTHS[1], max_iter=1000, class_weight="balanced", random_state=0)
    model = Pipeline([("tfidf", terms()), ("linear", OneVsRestClassifier(linear))])
    if len(texts) < 5 or not ((given.sum(0) >= 5) & (given.sum(0) <= len(texts) - 5)).any():
        return model.fit(texts, given)
    folds = KFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(model, {"linear__estimator__C": STRENGTHS}, cv=folds, scoring="f1_micro", n_jobs=1)
    return search.fit(texts, given).best_estimator_
