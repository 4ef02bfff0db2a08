"""BM25 (bm25s, the Lucene variant) over the words of texts that are searched (components.text)."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.text import language_of, searched

if TYPE_CHECKING:
    import numpy as np

PACKAGES = ("bm25s", "pystemmer")
LOOKED_AT = 500
"""Texts that the base's language is told from."""


class Lexical:
    """Indexed when made: 13,000 passages take about 2 s."""

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.ERROR)
        self._count, self._language = len(texts), language_of(texts[:LOOKED_AT])
        self._index = bm25s.BM25()
        self._index.index([searched(text, self._language) for text in texts], show_progress=False)

    def known(self, questions: Sequence[str]) -> list[list[str]]:
        """The words of each question that stand in the texts."""
        known = self._index.vocab_dict
        return [[word for word in searched(text, self._language) if word in known] for text in questions]

    def score(self, words: list[str]) -> "np.ndarray":
        """float32 [texts] for words that are `known`; zeros for none."""
        import numpy as np

        return self._index.get_scores(words) if words else np.zeros(self._count, dtype=np.float32)

    def scores(self, questions: Sequence[str]) -> "np.ndarray":
        """float32 [questions, texts]."""
        import numpy as np

        scores = np.zeros((len(questions), self._count), dtype=np.float32)
        for row, words in zip(scores, self.known(questions), strict=True):
            row[:] = self.score(words)
        return scores
