"""What a question and a chunk have in common, as numbers that a reranker weighs (scoring/rerank.py).

Beside the scores of the first ranking: how much of the question's terms, rarest terms, pairs of neighbours, numbers, names
stands in the passage, its chunk, or the chunk's best sentence, each weighed by its rarity (inverse document frequency); and
the same for what a speaker said after correcting himself ("the merger no wait the name of the holding company"). Terms are
those of `components.text.searched`, in any script. Corrections are told by English markers only, a question without one is
taken whole. Ranks beside the scores, and the cosine of the corrected question, were worth nothing on training questions.
"""

import math
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import regex

from components.text import count, language_of, searched, sentences

from .lexical import LOOKED_AT

if TYPE_CHECKING:
    import numpy as np

Term = TypeVar("Term", bound=Hashable)
NAMES = (
    "cosine", "passage_bm25", "chunk_bm25",
    "passage_terms", "chunk_terms", "sentence_terms", "rarest_terms", "pairs", "corrected_terms", "numbers", "names",
    "chunk_length", "passage_length",
)  # fmt: skip
"""What each number of a row is."""
RAREST = 3
"""Terms of a question that count as its rarest."""
_MARKERS = (
    "no", "wait", "sorry", "i mean", "make that", "or rather", "rather", "instead", "actually", "scratch that", "hold on",
    "correction", "er", "uh", "um", "umm", "ah",
)  # fmt: skip
_MARKER = regex.compile(rf"\b(?:{'|'.join(_MARKERS)})\b[\s,.]*", regex.IGNORECASE)
_NUMBER, _NAME = regex.compile(r"\d"), regex.compile(r"(?<=\s)\p{Lu}[\p{L}\p{M}\p{N}]*")


def corrected(question: str) -> str:
    """What follows the last marker of a correction, where that is three words or more; else the whole question."""
    *_, tail = _MARKER.split(question)
    return tail if count(tail) >= 3 else question


class PairFeatures:
    """Over the texts of one index: of its chunks, of its passages, and the passage (by number) of each chunk."""

    def __init__(self, chunks: Sequence[str], owners: Sequence[int], passages: Sequence[str]) -> None:
        self._chunks, self._owners, self._passages = chunks, owners, passages
        self._language = language_of(passages[:LOOKED_AT])
        self._frequency = Counter(term for text in passages for term in set(self._terms(text)))

    def of(self, question: str, chunks: Sequence[int], scores: "np.ndarray") -> "np.ndarray":
        """float64 [chunks, NAMES]. chunks: their numbers; scores: [chunks, 3], the first three of `NAMES`."""
        import numpy as np

        asked = self._terms(question)
        rarity = self._rarity(asked)
        rarest = dict(sorted(rarity.items(), key=lambda item: (-item[1], item[0]))[:RAREST])
        pairs = {(one, two): rarity[one] + rarity[two] for one, two in pairwise(asked)}
        after = self._rarity(self._terms(corrected(question)))
        numbers = {term: weight for term, weight in rarity.items() if _NUMBER.search(term)}
        names = self._rarity(self._terms(" ".join(_NAME.findall(question))))
        rows = []
        for number in chunks:
            chunk, passage = self._terms(self._chunks[number]), self._terms(self._passages[self._owners[number]])
            held = set(passage)
            best = max(_share(rarity, self._terms(one)) for one in sentences(self._chunks[number]) or [""])
            shares = [_share(rarity, held), _share(rarity, chunk), best, _share(rarest, held)]
            shares += [_share(pairs, set(pairwise(passage))), _share(after, held)]
            shares += [_share(numbers, held), _share(names, held)]
            rows.append([*shares, math.log1p(len(chunk)), math.log1p(len(passage))])
        return np.concatenate([scores, np.array(rows)], axis=1)

    def _terms(self, text: str) -> list[str]:
        return searched(text, self._language)

    def _rarity(self, terms: Iterable[str]) -> dict[str, float]:
        """Each term with its inverse document frequency, as BM25 has it."""
        total = len(self._passages) + 1
        return {term: math.log(total / (self._frequency[term] + 0.5)) for term in terms}


def _share(weights: Mapping[Term, float], held: Collection[Term]) -> float:
    """The weight of what is held, as a share of all; 0 where nothing has weight."""
    total = sum(weights.values())
    return sum(weight for key, weight in weights.items() if key in held) / total if total else 0.0
