"""Convex combination of scores: 1/4 BM25 of the passage, 1/4 BM25 of the chunk, 1/2 cosine of the chunk.

Each is divided by its largest value for the question first. Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for
Hybrid Retrieval" (arXiv 2210.11934), find that combining scores beats combining ranks, and so it is here: 638 disfluent
questions outside test over 3,000 passages in chunks of 100 words, hit@1 0.882; reciprocal-rank fusion 0.826; BM25 0.807.
The passage's own score lets a chunk profit from what stands around it. Scores are exact, not approximate. Not covered:
bases beyond memory (it asks the store for every cosine; `rrf` and `vector` ask for the nearest); the embedder's languages
are its own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import Machine, Retriever, Split, Store, read_passages

from .. import indexed, lexical
from ..answer import Hit

if TYPE_CHECKING:
    import numpy as np

PACKAGES = (*lexical.PACKAGES, *indexed.PACKAGES)
VECTORS = True
PASSAGE, CHUNK, VECTOR = 0.25, 0.25, 0.5
"""Weights, set on the same questions. Hit@1 stays between 0.871 and 0.886 for 0.2 to 0.35 in each lexical part."""

BLOCK = 64
"""Questions scored at once: memory stays at 64 × chunks."""


class Scoring:
    """See scoring/__init__.py. Finds chunks, so a passage may come more than once; a score of 1 is best in every part."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        import numpy as np

        self.indexed = indexed.Indexed(retriever, store, machine)
        self.passages = passages = read_passages(Split(name="knowledge", object=retriever.knowledge, count=0), store)
        numbers = {passage.id: number for number, passage in enumerate(passages)}
        self.owner = np.array([numbers[chunk["passage"]] for chunk in self.indexed.chunks])
        self._of_passage = lexical.Lexical([f"{passage.title} {passage.text}" for passage in passages])
        self._of_chunk = lexical.Lexical([chunk["text"] for chunk in self.indexed.chunks])

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """See scoring/__init__.py."""
        vectors = self.indexed.embed(texts)
        hits = []
        for start in range(0, len(texts), BLOCK):
            hits += self._block(texts[start : start + BLOCK], vectors[start : start + BLOCK], top_k)
        return hits

    def _block(self, texts: Sequence[str], vectors: "np.ndarray", top_k: int) -> list[list[Hit]]:
        import numpy as np

        scores = mixed(*self.parts(texts, vectors))
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        return [[self.indexed.hit(i, row[i]) for i in order] for order, row in zip(best, scores, strict=True)]

    def parts(self, texts: Sequence[str], vectors: "np.ndarray") -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
        """(cosine, BM25 of the passage, BM25 of the chunk), each float32 [texts, chunks]. vectors: of `texts`"""
        in_passage = self._of_passage.scores(texts)[:, self.owner]
        return self.cosines(vectors), in_passage, self._of_chunk.scores(texts)

    def cosines(self, vectors: "np.ndarray") -> "np.ndarray":
        """float32 [questions, chunks]."""
        import numpy as np

        table = np.zeros((len(vectors), len(self.indexed.chunks)), dtype=np.float32)
        for row, (numbers, cosines) in zip(table, self.indexed.vectors.search(vectors), strict=True):
            row[numbers] = cosines
        return table

    def close(self) -> None:
        """See scoring/__init__.py."""
        self.indexed.close()


def mixed(cosines: "np.ndarray", in_passage: "np.ndarray", in_chunk: "np.ndarray") -> "np.ndarray":
    """The scores of `parts` in one: float32 [texts, chunks]."""
    import numpy as np

    scores: np.ndarray = VECTOR * by_largest(np.maximum(cosines, 0))
    scores += PASSAGE * by_largest(in_passage)
    scores += CHUNK * by_largest(in_chunk)
    return scores


def by_largest(scores: "np.ndarray") -> "np.ndarray":
    """Each row divided by its largest value."""
    import numpy as np

    return scores / np.maximum(scores.max(axis=1, keepdims=True), 1e-9)
