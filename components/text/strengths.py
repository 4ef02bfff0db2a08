"""The two strengths that compare whole texts: same, and scored."""

import unicodedata

from .words import words

ARTICLES = frozenset(("a", "an", "the"))


def same(text: str) -> str:
    """The form in which rows, labels and names are compared: canonically composed (NFC), without outer space."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text.strip())


def scored(text: str) -> tuple[str, ...]:
    """The words that metrics compare: case folded, without punctuation, without English articles (SQuAD's rule, Rajpurkar et
    al. 2016, for any script). A last `a` behind other words stays: `vitamin A` ends in a name."""
    found = words(text)
    if ARTICLES.isdisjoint(found):
        return found
    kept = tuple(word for word in found[:-1] if word not in ARTICLES)
    return kept if found[-1] in ARTICLES and (not kept or found[-2] in ARTICLES) else (*kept, found[-1])
