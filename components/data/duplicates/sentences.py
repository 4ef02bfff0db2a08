"""Sentences that stand in many documents, such as notices that every page brings along: all but the first are cut."""

import hashlib
import re
from collections.abc import Iterator, Sequence

from components.text import count
from components.text.words import fold

from ..documents import COMPARED, Cut, Document, Found, of_part

SHORTEST = 4
"""Words; "Thank you." says nothing about a document."""
_BETWEEN = re.compile(r"(?<=[.!?؟])\s+|(?<=[。！？।])\s*|\n+")


def find(at_least: int, documents: Sequence[Document]) -> Found:
    """Cut every sentence that stands in `at_least` documents or more, but in the first of them."""
    cut: dict[int, list[Cut]] = {}
    different = 0
    for part in COMPARED:
        places = of_part(documents, part)
        many = _frequent(at_least, documents, places)
        different += len(many)
        first: dict[int, int] = {}
        for place in places:
            cuts = [
                (start, end, f"in {many[key]} documents")
                for start, end, key in _sentences(documents[place].text)
                if key in many and first.setdefault(key, place) != place
            ]
            if cuts and not documents[place].fixed:
                cut[place] = cuts
    return Found(cut=cut, figures={"different": different})


def _frequent(at_least: int, documents: Sequence[Document], places: list[int]) -> dict[int, int]:
    """Sentence → documents that hold it, where they are enough. Eight bytes a sentence are in memory, no text."""
    import numpy as np

    keys = np.fromiter(
        (key for place in places for key in {key for *_, key in _sentences(documents[place].text)}), dtype=np.uint64
    )
    different, counts = np.unique(keys, return_counts=True)
    many = counts >= at_least
    return dict(zip(different[many].tolist(), counts[many].tolist(), strict=True))


def _sentences(text: str) -> Iterator[tuple[int, int, int]]:
    """(first character, the one after the last, key) of each sentence that is long enough."""
    start = 0
    for between in _BETWEEN.finditer(text):
        yield from _sentence(text, start, between.start())
        start = between.end()
    yield from _sentence(text, start, len(text))


def _sentence(text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    folded = fold(text[start:end]).split()
    if count(text[start:end]) >= SHORTEST:
        digest = hashlib.blake2b(" ".join(folded).encode(), digest_size=8).digest()
        yield start, end, int.from_bytes(digest, "little")
