"""Convex combination of scores: 1/4 BM25 of the passage, 1/4 BM25 of the chunk, 1/2 cosine of the chunk.

Each is divided by its largest value for the question first. Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for
Hybrid Retrieval" (arXiv 2210.11934), find that combining scores beats combining ranks, and so it is here: 638 disfluent
questions outside test over 3,000 passages in chunks of 100 words, hit@1 0.882; reciprocal-rank fusion 0.826; BM25 0.807.
The passage's own score lets a chunk profit from what stands around it. Scores are exact, not approximate. Not covered:
bases beyond memory (LanceDB's modes are for those), other languages than English (stemming, stop words).
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Machine, Retriever, Split, Store, read_jsonl, read_passages
from components.core.artifacts import opened

from ..answer import Hit
from ..embedder import Embedder

if TYPE_CHECKING:
    import numpy as np

PASSAGE, CHUNK, VECTOR = 0.25, 0.25, 0.5
"""Weights, set on the same questions. Hit@1 stays between 0.871 and 0.886 for 0.2 to 0.35 in each lexical part."""

BLOCK = 64
"""Questions scored at once: memory stays at 64 × chunks."""


class Convex:
    """See the module docstring. Finds chunks, so a passage may come more than once; a score of 1 is best in every part."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        import numpy as np

        if retriever.index is None or retriever.embedder is None:
            raise BadInput("retriever: scoring 'convex' needs an index and the embedder that made it")
        folder = store.path(retriever.index)
        self.chunks = read_jsonl(folder / "chunks.jsonl")
        self._vectors = np.load(folder / "vectors.npy", allow_pickle=False)
        if len(self.chunks) != len(self._vectors) or not self.chunks:
            raise BadInput("retriever: the index has no chunks, or not one vector for each")
        passages = read_passages(Split(name="knowledge", object=retriever.knowledge, count=0), store)
        numbers = {passage.id: number for number, passage in enumerate(passages)}
        self._owner = np.array([numbers[chunk["passage"]] for chunk in self.chunks])
        self._of_passage = Lexical([f"{passage.title} {passage.text}" for passage in passages])
        self._of_chunk = Lexical([chunk["text"] for chunk in self.chunks])
        self._embedder = Embedder(machine, opened(store, retriever.embedder.object))

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """The best `top_k` chunks of each text; equal scores keep the stored order."""
        vectors = self._embedder.embed(texts)
        found = []
        for start in range(0, len(texts), BLOCK):
            found += self._block(texts[start : start + BLOCK], vectors[start : start + BLOCK], top_k)
        return found

    def _block(self, texts: Sequence[str], vectors: "np.ndarray", top_k: int) -> list[list[Hit]]:
        import numpy as np

        scores = VECTOR * _by_largest(np.maximum(vectors @ self._vectors.T, 0))
        scores += PASSAGE * _by_largest(self._of_passage.scores(texts))[:, self._owner]
        scores += CHUNK * _by_largest(self._of_chunk.scores(texts))
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        return [[self._hit(i, row[i]) for i in order] for order, row in zip(best, scores, strict=True)]

    def _hit(self, i: int, score: float) -> Hit:
        return Hit(passage=self.chunks[i]["passage"], text=self.chunks[i]["text"], score=round(float(score), 6))


class Lexical:
    """BM25 (bm25s, Lucene's variant) over stemmed words (Porter 2)."""

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.ERROR)
        self._count = len(texts)
        self._index = bm25s.BM25()
        self._index.index(_stems(texts), show_progress=False)

    def scores(self, questions: Sequence[str]) -> "np.ndarray":
        """float32 [questions, texts]; zeros where a question shares no word with the base."""
        import numpy as np

        found = np.zeros((len(questions), self._count), dtype=np.float32)
        for row, words in zip(found, _stems(questions), strict=True):
            known = [word for word in words if word in self._index.vocab_dict]
            if known:
                row[:] = self._index.get_scores(known)
        return found


def _stems(texts: Sequence[str]) -> list[list[str]]:
    import bm25s
    from nltk.stem.snowball import SnowballStemmer

    stem = SnowballStemmer("english").stem
    return bm25s.tokenize(
        list(texts),
        stopwords="en",
        stemmer=lambda words: [stem(word) for word in words],
        return_ids=False,
        show_progress=False,
    )


def _by_largest(scores: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return scores / np.maximum(scores.max(axis=1, keepdims=True), 1e-9)
