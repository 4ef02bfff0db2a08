"""When two texts count as the same: normal form, word n-grams, and overlap between them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

_WORD = re.compile(r"\w+")


def words(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation; texts with equal words are equal."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def ngrams(sequence: tuple[str, ...], size: int) -> set[tuple[str, ...]]:
    """All runs of `size` words; none when the text is shorter."""
    return {sequence[start : start + size] for start in range(len(sequence) - size + 1)}


class Overlap:
    """Texts that must not turn up elsewhere, indexed by their word n-grams.

    Two texts overlap when their words are equal; or their word sets reach `near` in Jaccard similarity (looked up only
    among texts that share a run of five words); or, with `shared`, they share a run of that many words (13-gram overlap:
    Brown et al. 2020, arXiv:2005.14165, appendix C). Without `shared`, long texts such as passages overlap when
    half of the shorter one's 13-grams stand in the other.
    """

    def __init__(self, texts: Iterable[tuple[str, str]], near: float, shared: int | None) -> None:
        """texts: (name of where it is from, text)."""
        self.near, self.shared = near, shared
        self._texts: list[tuple[str, tuple[str, ...]]] = [(name, words(text)) for name, text in texts]
        self._equal: dict[tuple[str, ...], str] = {}
        self._index: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, (name, sequence) in enumerate(self._texts):
            self._equal.setdefault(sequence, name)
            for gram in ngrams(sequence, self._size):
                self._index[gram].append(number)

    @property
    def _size(self) -> int:
        return 5 if self.shared else 13

    def find(self, text: str) -> tuple[str, str] | None:
        """(name, how) of a text that `text` overlaps with, or None. how: equal, near-equal, or shared words."""
        sequence = words(text)
        if sequence in self._equal:
            return self._equal[sequence], "equal"
        grams = ngrams(sequence, self._size)
        common: dict[int, int] = defaultdict(int)
        for gram in grams:
            for number in self._index.get(gram, ()):
                common[number] += 1
        for number in sorted(common):
            name, other = self._texts[number]
            if how := self._how(sequence, other, common[number]):
                return name, how
        return None

    def _how(self, sequence: tuple[str, ...], other: tuple[str, ...], common: int) -> str | None:
        one, two = set(sequence), set(other)
        if len(one & two) >= self.near * len(one | two):
            return "near-equal"
        if self.shared is None:
            possible = min(len(sequence), len(other)) - self._size + 1
            return "shared words" if common * 2 >= possible else None
        # A shared run of `shared` words holds this many shared runs of five: cheap to know before cutting long runs.
        if common >= self.shared - self._size + 1 and ngrams(sequence, self.shared) & ngrams(other, self.shared):
            return "shared words"
        return None
