"""Reciprocal rank fusion of two rankings of the chunks, BM25 over their words and the vector store's (Cormack, Clarke and
Büttcher 2009): a chunk scores the sum of 1 / (60 + rank).

Fused here in three lines rather than by LanceDB's full-text search and reranker, so that every vector store gives the same
hits, and a store need not search words. Not covered: ranks beyond the first `DEPTH`, which would add less than 0.007 each.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import Machine, Retriever, Store

from .. import indexed, lexical
from ..answer import Hit

if TYPE_CHECKING:
    import numpy as np

PACKAGES = (*lexical.PACKAGES, *indexed.PACKAGES)
VECTORS = True
K = 60
"""The paper's constant."""
DEPTH = 100
"""Ranks of either ranking that count."""


class Scoring:
    """See scoring/__init__.py. Scores are sums of reciprocal ranks, at most 2 / 61."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        self.indexed = indexed.Indexed(retriever, store, machine)
        self._lexical = lexical.Lexical([chunk["text"] for chunk in self.indexed.chunks])

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """See scoring/__init__.py."""
        near = self.indexed.vectors.search(self.indexed.embed(texts), max(DEPTH, top_k))
        alike = map(self._lexical.score, self._lexical.known(texts))
        return [self._fused(scores, numbers, top_k) for scores, (numbers, _) in zip(alike, near, strict=True)]

    def _fused(self, scores: "np.ndarray", near: "np.ndarray", top_k: int) -> list[Hit]:
        """scores: of all chunks by BM25; near: numbers of chunks, best first."""
        import numpy as np

        alike = np.argsort(-scores, kind="stable")[: len(near)]
        fused = np.zeros(len(scores))
        for ranking in (alike[scores[alike] > 0], near):
            fused[ranking] += 1 / (K + 1 + np.arange(len(ranking)))
        best = np.argsort(-fused, kind="stable")[:top_k]
        return [self.indexed.hit(i, fused[i]) for i in best if fused[i] > 0]

    def close(self) -> None:
        """See scoring/__init__.py."""
        self.indexed.close()
