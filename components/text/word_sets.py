"""Sets of words as a sparse matrix: which pairs are alike (weighted Jaccard similarity), and which text covers which set.

Exact set arithmetic, in blocks, so that memory does not grow with the number of pairs.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

BLOCK, ROWS = 512, 4096
"""Items, and texts, whose products are held at once: 115 MB in all for 40,000 texts that share a word with 600 items."""


class WordSets:
    """An index over sets of words. weighted: words weigh by how few sets hold them."""

    def __init__(self, sets: Sequence[frozenset[str]], weighted: bool = False) -> None:
        self._sets, self._weighted = sets, weighted
        self._frequency = Counter(word for one in sets for word in one)
        self._columns = {word: at for at, word in enumerate(sorted(self._frequency))}

    def weight(self, word: str) -> float:
        """Inverse document frequency over the indexed sets, 1 for a word of all of them."""
        return 1 + math.log((len(self._sets) + 1) / (self._frequency.get(word, 0) + 1)) if self._weighted else 1.0

    def similar(self, others: Sequence[frozenset[str]], at_least: float) -> Iterator[tuple[int, int, float]]:
        """(place in others, place in the index, similarity), for every pair that reaches `at_least`."""
        import numpy as np

        one, two = np.array([self._total(each) for each in others]), np.array([self._total(each) for each in self._sets])
        yield from self._pairs(others, self._sets, lambda i, j, both: both / (one[i] + two[j] - both), at_least)

    def covering(
        self, texts: Sequence[frozenset[str]], wanted: Sequence[frozenset[str]], at_least: float
    ) -> Iterator[tuple[int, int, float]]:
        """(place in texts, place in wanted, weighted share of the wanted words that the text holds)."""
        import numpy as np

        total = np.array([self._total(one) for one in wanted])
        yield from self._pairs(texts, wanted, lambda i, j, both: both / total[j], at_least)

    def _total(self, words: frozenset[str]) -> float:
        return sum(map(self.weight, words))

    def _pairs(
        self,
        left: Sequence[frozenset[str]],
        right: Sequence[frozenset[str]],
        score: "Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]",
        at_least: float,
    ) -> Iterator[tuple[int, int, float]]:
        """Pairs whose score (of places, and weight of the shared words) reaches `at_least`. In blocks, for memory's sake."""
        if not left or not right or not self._columns:
            return
        rows, columns = self._matrix(left, lambda word: 1.0), self._matrix(right, self.weight)
        for first, start in product(range(0, len(right), BLOCK), range(0, len(left), ROWS)):
            block = (rows[start : start + ROWS] @ columns[first : first + BLOCK].T).tocoo()
            scores = score(block.row + start, block.col + first, block.data)
            for at in (scores >= at_least - 1e-9).nonzero()[0].tolist():
                yield start + int(block.row[at]), first + int(block.col[at]), float(scores[at])

    def _matrix(self, sets: Sequence[frozenset[str]], weigh: Callable[[str], float]) -> "csr_matrix":
        import numpy as np
        from scipy.sparse import csr_matrix

        known = [sorted(self._columns[word] for word in one if word in self._columns) for one in sets]
        names = list(self._columns)
        starts = np.cumsum([0, *(len(one) for one in known)])
        columns = np.array([column for one in known for column in one], dtype=np.int64)
        values = np.array([weigh(name) for name in names])[columns] if len(columns) else np.zeros(0)
        return csr_matrix((values, columns, starts), shape=(len(sets), len(names)))
