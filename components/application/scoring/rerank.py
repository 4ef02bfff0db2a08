"""The first chunks of `convex`, ordered anew by a small linear model that was fitted on the training questions.

A question's passage is held against what the first ranking found instead (hard negatives): logistic regression on the
differences of their features (`pair_features.py`), which is the linear pairwise ranker of Joachims 2002 ("Optimizing Search
Engines using Clickthrough Data", doi:10.1145/775047.775067). What is learned is one weight a feature, in JSON: no text of a
training row is kept, and nothing more is needed to serve it. Not covered: a cross-encoder, which costs more than the reader
on a CPU; questions that name no passage, which teach it nothing.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from components.core import BadInput, Machine, Retriever, Row, Step, Store, publish_json

from ..answer import Hit
from ..pair_features import NAMES, PairFeatures
from . import convex

if TYPE_CHECKING:
    import numpy as np

PACKAGES = convex.PACKAGES
VECTORS = True
DEPTH = 20
"""Chunks of the first ranking that are ordered anew."""
STRENGTH = 1.0
"""Inverse strength of the regularisation, on features of unit spread."""
FEWEST = 20
"""Questions whose passage was found, under which nothing is fitted."""


class Scoring:
    """See scoring/__init__.py. A chunk that is ordered anew scores 1 plus its share among those (a softmax), the others
    what `convex` gives them, at most 1."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        import numpy as np

        self._found = _Found(retriever, store, machine)
        self.indexed = self._found.first.indexed
        if retriever.fitted is None:
            raise BadInput("retriever: scoring 'rerank' needs what it was fitted to ('fitted'), which stage 4 makes")
        weights = json.loads(store.file(retriever.fitted).read_text())
        if weights.keys() != {*NAMES}:
            raise BadInput("retriever: scoring 'rerank' was fitted to features of another version; run stage 4 again")
        self._weights = np.array([weights[name] for name in NAMES])

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """See scoring/__init__.py."""
        return [self._anew(*found)[:top_k] for found in self._found.of(texts, top_k)]

    def _anew(self, numbers: "np.ndarray", scores: "np.ndarray", features: "np.ndarray") -> list[Hit]:
        import numpy as np

        sums = features @ self._weights
        shares = np.exp(sums - sums.max())
        again = 1 + shares / shares.sum()
        order = [*np.argsort(-sums, kind="stable"), *range(len(again), len(numbers))]
        scores = np.concatenate([again, scores[len(again) :]])
        return [self.indexed.hit(numbers[i], scores[i]) for i in order]

    def close(self) -> None:
        """See scoring/__init__.py."""
        self.indexed.close()


def fit(retriever: Retriever, rows: Sequence[Row], step: Step) -> str | None:
    """The object with the weights that put the passages of `rows` before what `convex` finds; None for too few questions.

    retriever: its `fitted` is not read. Wrong chunks come from the whole knowledge base, as they do when it is asked.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    asked = [row for row in rows if row.passage]
    better, weights = [], []
    with closing(_Found(retriever, step.store, step.machine)) as found:
        for row, (numbers, _, features) in zip(asked, found.of([row.text for row in asked]), strict=True):
            right = np.array([found.passage(number) == row.passage for number in numbers[: len(features)]])
            if right.any() and not right.all():
                better.append(features[right.argmax()] - features[~right])  # its own best chunk before all others
                weights.append(np.full(len(better[-1]), 1 / len(better[-1])))
    if len(better) < FEWEST:
        return None
    differences = np.concatenate(better)
    spread = np.sqrt((differences**2).mean(axis=0))
    spread[spread == 0] = 1
    # each difference both ways round: the two classes that the library asks for
    pairs = np.concatenate([differences, -differences]) / spread
    signs, shares = np.repeat([1, -1], len(differences)), np.concatenate(weights * 2)
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=2000)
    model.fit(pairs, signs, sample_weight=shares)
    path = step.scratch / "rerank.json"
    # five digits: libraries that sum in another order give the same bytes
    publish_json(path, dict(zip(NAMES, [float(f"{weight:.5g}") for weight in model.coef_[0] / spread], strict=True)))
    return step.store.put(path)


class _Found:
    """What the first ranking finds, with its features."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        self.first = convex.Scoring(retriever, store, machine)
        texts = [chunk["text"] for chunk in self.first.indexed.chunks]
        passages = [f"{passage.title} {passage.text}" for passage in self.first.passages]
        self._pairs = PairFeatures(texts, self.first.owner.tolist(), passages)

    def passage(self, number: int) -> str:
        """The passage of a chunk."""
        return self.first.indexed.chunks[number]["passage"]

    def of(self, texts: Sequence[str], most: int = 0) -> Iterator[tuple["np.ndarray", "np.ndarray", "np.ndarray"]]:
        """(numbers, scores of `convex`, features) of the best chunks for each text: `most`, or `DEPTH` where those are more.

        Features are those of the first `DEPTH`: float64 [DEPTH, NAMES].
        """
        import numpy as np

        for start in range(0, len(texts), convex.BLOCK):
            block = texts[start : start + convex.BLOCK]
            cosines, in_passage, in_chunk = self.first.parts(block, self.first.indexed.embed(block))
            mixed = convex.mixed(cosines, in_passage, in_chunk)
            parts = np.stack([cosines, convex.by_largest(in_passage), convex.by_largest(in_chunk)], axis=2)
            for text, scores, row in zip(block, mixed, parts, strict=True):
                numbers = np.argsort(-scores, kind="stable")[: max(DEPTH, most)]
                looked = numbers[:DEPTH]
                yield numbers, scores[numbers], self._pairs.of(text, looked.tolist(), row[looked])

    def close(self) -> None:
        """Let go of connections."""
        self.first.close()
