"""The two strengths that compare whole texts: same, and scored."""

import unicodedata
from functools import lru_cache

from .words import stands, units, words

ARTICLES = frozenset(("a", "an", "the"))


def same(text: str) -> str:
    """The form in which rows, labels and names are compared: canonically composed (NFC), without outer space."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text.strip())


def scored(text: str) -> tuple[str, ...]:
    """The words that metrics compare: case folded, without punctuation, without English articles (SQuAD's rule, Rajpurkar et
    al. 2016, for any script). A last `a` behind other words stays: `vitamin A` ends in a name."""
    return _without_articles(words(text))


def holds(text: str, part: str) -> bool:
    """Whether what is scored of `part` stands in `text` as one run, by `units`; never where `part` has no word."""
    return stands(_without_articles(units(part)), _held(text)) > 0


@lru_cache(maxsize=64)
def _held(text: str) -> tuple[str, ...]:
    """Many answers are looked for in one passage, row after row."""
    return _without_articles(units(text))


def begins(text: str, part: str) -> bool:
    """Whether `text` begins with the words of `part`; where that has none, whether both are the same."""
    first = units(part)
    return units(text)[: len(first)] == first if first else same(text) == same(part)


def _without_articles(sequence: tuple[str, ...]) -> tuple[str, ...]:
    if ARTICLES.isdisjoint(sequence):
        return sequence
    plain = tuple(word for word in sequence[:-1] if word not in ARTICLES)
    return plain if sequence[-1] in ARTICLES and (not plain or sequence[-2] in ARTICLES) else (*plain, sequence[-1])
