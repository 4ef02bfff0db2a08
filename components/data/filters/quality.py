"""A classifier that tells a trusted source from the rest (as Brown et al. 2020, arXiv:2005.14165, appendix A): documents
unlike the trusted ones go.

Logistic regression over hashed words and pairs of words. Each half of the documents is judged by the model that was fitted
on the other half, so that none is judged by a model that has seen it, and the accuracy given is held out for every one of
them. Where it cannot tell the two apart (`accuracy`), it has no ground to drop anything, and drops nothing.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from components.core import BadInput, Frozen, Task

from ..documents import Document, Found

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import SGDClassifier

FEWEST = 20
"""Documents on each side, below which nothing is fitted."""
BATCH = 5_000
"""Documents whose features are in memory at once while they are judged."""


JUDGES_QUESTIONS = False


class Config(Frozen):
    """Whom to trust, and how far."""

    trusted: str
    """Name of the source that the others are compared with; its own documents all stay."""
    at_least: float = Field(0.2, gt=0, lt=1)
    """Probability of being like the trusted ones (both sides weighing the same) below which a document goes."""
    accuracy: float = Field(0.65, ge=0.5, le=1)
    """Balanced held-out accuracy below which nothing is dropped."""
    fitted_on: int = Field(10_000, ge=100)
    """Most documents of each half that a model is fitted on."""


def find(config: Config, documents: Sequence[Document], task: Task, key: str) -> Found:
    """Drop what is unlike the trusted source. Raises BadInput where one side is too small."""
    import numpy as np

    trusted = np.array([document.source == config.trusted for document in documents])
    for what, count in (("of the trusted source", trusted.sum()), ("of the other sources", (~trusted).sum())):
        if count < FEWEST:
            names = ", ".join(sorted({document.source for document in documents}))
            raise BadInput(
                f"{key}.trusted: '{config.trusted}': {count} documents {what}; it takes {FEWEST}. Sources here: {names}"
            )
    half = np.array([hashlib.sha256(document.text.encode()).digest()[0] % 2 for document in documents])
    scores = np.zeros(len(documents))
    for side in (0, 1):
        model = _fitted(config, documents, trusted, np.flatnonzero(half != side))
        judged = np.flatnonzero(half == side)
        for start in range(0, len(judged), BATCH):
            places = judged[start : start + BATCH]
            scores[places] = model.predict_proba(_features(documents, places))[:, 1]
    right = (scores >= 0.5) == trusted
    accuracy = float((right[trusted].mean() + right[~trusted].mean()) / 2)
    figures = {"held_out_accuracy": round(accuracy, 4), "trusted": int(trusted.sum()), "others": int((~trusted).sum())}
    if accuracy < config.accuracy:
        return Found(figures=figures | {"dropped nothing": f"held-out accuracy below {config.accuracy:g}"})
    low = np.flatnonzero(~trusted & (scores < config.at_least))
    return Found({int(place): f"quality {scores[place]:.3f}" for place in low}, figures=figures)


def _fitted(config: Config, documents: Sequence[Document], trusted: "np.ndarray", places: "np.ndarray") -> "SGDClassifier":
    """A model fitted on documents at `places`: of each side the first so many by hash."""
    import numpy as np
    from sklearn.linear_model import SGDClassifier

    order = sorted(places, key=lambda place: hashlib.sha256(b"fit" + documents[place].text.encode()).digest())
    sides = [[place for place in order if trusted[place] == side][: config.fitted_on // 2] for side in (True, False)]
    if not all(sides):
        raise BadInput(f"source '{config.trusted}': too few different documents to fit and to judge a filter")
    used = np.array([*sides[0], *sides[1]])
    model = SGDClassifier(loss="log_loss", alpha=5e-4, class_weight="balanced", max_iter=200, tol=1e-4, random_state=0)
    return model.fit(_features(documents, used), trusted[used])


def _features(documents: Sequence[Document], places: "np.ndarray") -> "csr_matrix":
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(n_features=2**18, ngram_range=(1, 2), alternate_sign=False, dtype="float32")
    return vectorizer.transform([documents[place].text[:4000] for place in places])
