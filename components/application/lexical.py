"""BM25 (bm25s, the Lucene variant) over texts, and how texts become its words."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Lexical:
    """Indexed when made: 13,000 passages take about 2 s."""

    def __init__(self, texts: Sequence[str], split: Callable[[Sequence[str]], list[list[str]]]) -> None:
        """split: how texts become words, `tokens` or `stems`"""
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.ERROR)
        self._count, self._split = len(texts), split
        self._index = bm25s.BM25()
        self._index.index(split(texts), show_progress=False)

    def known(self, questions: Sequence[str]) -> list[list[str]]:
        """The words of each question that stand in the texts."""
        return [[word for word in words if word in self._index.vocab_dict] for words in self._split(questions)]

    def score(self, words: list[str]) -> "np.ndarray":
        """float32 [texts] for words that are `known`; zeros for none."""
        import numpy as np

        return self._index.get_scores(words) if words else np.zeros(self._count, dtype=np.float32)

    def scores(self, questions: Sequence[str]) -> "np.ndarray":
        """float32 [questions, texts]."""
        import numpy as np

        found = np.zeros((len(questions), self._count), dtype=np.float32)
        for row, words in zip(found, self.known(questions), strict=True):
            row[:] = self.score(words)
        return found


def tokens(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text, without English stop words."""
    import bm25s

    return bm25s.tokenize(list(texts), stopwords="en", return_ids=False, show_progress=False)


def stems(texts: Sequence[str]) -> list[list[str]]:
    """The stems (Porter 2) of each text's words, without English stop words."""
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
