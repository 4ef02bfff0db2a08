"""The words that retrieval looks up: scored, without a language's commonest words, stemmed where a stemmer exists.

Snowball's stemmers (PyStemmer) by script where a script tells the language (Greek, Russian, Hindi, Arabic …), else by the
base's own language (`language_of`). Chinese, Japanese and Korean are looked up by characters and pairs of neighbours, as
Lucene's CJK analyser does: no dictionary cuts a name in a question as it does in a passage. Thai, Lao, Khmer and Burmese are
cut by dictionary. Not covered: Hebrew's prefixes, compounds, spelling errors, synonyms.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import regex

from .words import by_dictionary, uncut, units, words

if TYPE_CHECKING:
    from Stemmer import Stemmer

STOP_WORDS = {
    "da": "DANISH", "de": "GERMAN", "en": "EN", "es": "SPANISH", "fr": "FRENCH", "it": "ITALIAN", "nl": "DUTCH",
    "no": "NORWEGIAN", "pt": "PORTUGUESE", "ru": "RUSSIAN", "sv": "SWEDISH", "tr": "TURKISH",
}  # fmt: skip
"""Languages whose commonest words bm25s lists → its name for them."""
STEMMERS = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
"""Languages in Latin letters that `language_of` knows → Snowball's name."""
REMEMBERED = 500_000
"""Words whose terms are kept in memory."""
_SCRIPTS = (
    ("russian", regex.compile(r"\p{Cyrillic}")),
    ("greek", regex.compile(r"\p{Greek}")),
    ("hindi", regex.compile(r"\p{Devanagari}")),
    ("arabic", regex.compile(r"\p{Arabic}")),
    ("tamil", regex.compile(r"\p{Tamil}")),
    ("armenian", regex.compile(r"\p{Armenian}")),
)
_CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー々〆]")
_CHARACTERS = regex.compile(rf"(?:{_CJK.pattern}\p{{M}}*)+|(?:(?!{_CJK.pattern}).)+")
_POINTS = regex.compile(r"[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0591-\u05c7]")
"""Vowel points, which Arabic and Hebrew leave out as a rule."""


def searched(text: str, language: str = "en") -> list[str]:
    """The words of `text` as an index holds them. language: of words in Latin letters, and of the commonest words."""
    terms = _terms(language.split("-")[0].lower())
    return [term for word in uncut(text if text.isascii() else _POINTS.sub("", text)) for term in terms[word]]


def language_of(texts: Iterable[str]) -> str:
    """The language that `texts` are in, of those that Latin letters and a list of common words belong to: the one whose
    common words stand there most often; English where none does."""
    counts = Counter(word for text in texts for word in uncut(text))
    common = {name: sum(counts[word] for word in stop_words(name)) for name in STEMMERS}
    return max(common, key=lambda name: (common[name], name == "en"))


@cache
def stop_words(language: str) -> frozenset[str]:
    """The words that a language uses most, folded, as bm25s lists them; none where it has no list."""
    from bm25s import stopwords

    name = STOP_WORDS.get(language.split("-")[0].lower())
    return (
        frozenset(part for word in getattr(stopwords, f"STOPWORDS_{name}") for part in words(word)) if name else frozenset()
    )


def _pairs(run: str) -> list[str]:
    """The characters of a run of Chinese, Japanese or Korean, and each two that are neighbours; other runs as they are."""
    if not _CJK.match(run):
        return [run]
    characters = units(run)
    return [*characters, *(one + two for one, two in pairwise(characters))]


class _Terms(dict[str, tuple[str, ...]]):
    """Word → what an index holds of it, remembered."""

    def __init__(self, language: str) -> None:
        self._stop, self._stemmer = stop_words(language), STEMMERS.get(language, "english")

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= REMEMBERED:
            self.clear()
        self[word] = terms = self._of(word)
        return terms

    def _of(self, word: str) -> tuple[str, ...]:
        if _CJK.search(word):
            return tuple(part for run in _CHARACTERS.findall(word) for part in _pairs(run))
        return tuple(self._stemmed(part) for part in by_dictionary(word) if part not in self._stop)

    def _stemmed(self, word: str) -> str:
        if len(word) < 3 or word[0].isdigit():
            return word
        name = next((name for name, script in _SCRIPTS if script.search(word)), "") if not word.isascii() else ""
        return str(_stemmer(name or self._stemmer).stemWord(word))


_terms = cache(_Terms)


@cache
def _stemmer(name: str) -> "Stemmer":
    from Stemmer import Stemmer

    return Stemmer(name)
