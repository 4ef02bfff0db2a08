"""BM25 over whole passages (bm25s, the Lucene variant), indexed when loaded: 13,000 passages take about 2 s."""

import logging
from collections.abc import Sequence

from components.core import BadInput, Split, Store, read_passages

from ..answer import Hit


class Bm25:
    """See the package docstring. Scores are BM25's sum divided by the number of query words that the index knows, so that
    long and short questions can be held against one threshold."""

    def __init__(self, knowledge: str, store: Store) -> None:
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.ERROR)
        self.passages = read_passages(Split(name="knowledge", object=knowledge, count=0), store)
        if not self.passages:
            raise BadInput("retriever: the knowledge base has no passages")
        self._index = bm25s.BM25()
        tokens = _tokens([f"{passage.title} {passage.text}" for passage in self.passages])
        self._index.index(tokens, show_progress=False)

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """The best `top_k` passages of each text (fewer in a smaller base); passages that share no word are left out."""
        return [self._best(words, top_k) for words in _tokens(list(texts))]

    def _best(self, words: list[str], top_k: int) -> list[Hit]:
        import numpy as np

        known = [word for word in words if word in self._index.vocab_dict]
        if not known:
            return []
        scores = self._index.get_scores(known)
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [
            Hit(passage=self.passages[i].id, text=self.passages[i].text, score=round(float(scores[i]) / len(known), 6))
            for i in order
            if scores[i] > 0
        ]


def _tokens(texts: list[str]) -> list[list[str]]:
    import bm25s

    return bm25s.tokenize(texts, stopwords="en", return_ids=False, show_progress=False)
