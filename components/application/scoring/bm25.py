"""BM25 over whole passages (bm25s, the Lucene variant): each passage is found once."""

from collections.abc import Sequence

from components.core import BadInput, Machine, Retriever, Split, Store, read_passages

from ..answer import Hit
from ..lexical import PACKAGES as NEEDED
from ..lexical import Lexical

PACKAGES = NEEDED
VECTORS = False


class Scoring:
    """See scoring/__init__.py. Scores are BM25's sum divided by the number of query words that the index knows, so that long
    and short questions can be held against one threshold. Passages that share no word are left out."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        self.passages = read_passages(Split(name="knowledge", object=retriever.knowledge, count=0), store)
        if not self.passages:
            raise BadInput("retriever: the knowledge base has no passages")
        self._index = Lexical([f"{passage.title} {passage.text}" for passage in self.passages])

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """See scoring/__init__.py."""
        return [self._best(words, top_k) for words in self._index.known(texts)]

    def _best(self, words: list[str], top_k: int) -> list[Hit]:
        import numpy as np

        scores = self._index.score(words)
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [
            Hit(passage=self.passages[i].id, text=self.passages[i].text, score=round(float(scores[i]) / len(words), 6))
            for i in order
            if scores[i] > 0
        ]

    def close(self) -> None:
        """Nothing to close."""
