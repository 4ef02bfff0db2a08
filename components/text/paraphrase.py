"""What a question asks, whatever its wording: its content in canonical words, so that paraphrases by rule are equal.

Word order is ignored; false starts and fillers of spoken language are taken out; question words have one form ("in what
year", "when"), numbers too; other words are stemmed (Porter 1980). Not covered: synonyms of content words, other languages.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .number_forms import digits, spelled
from .words import fold, words

if TYPE_CHECKING:
    from nltk.stem.porter import PorterStemmer

SPOKEN = 40
"""Most words of a text that is taken for a question."""
# What speakers put between a false start and its repair; the question that counts follows the last one.
REPAIRS = re.compile(
    r"\b(?:no no|no wait|no|wait|sorry|or rather|rather|actually|acutally|really|instead|or i mean|i mean|i meant|no make "
    r"that|make that|not that|scratch that|oops|hold on)\b"
)
_FILLERS = re.compile(r"\b(?:uh+|um+|er+m?|ah+|ugh|oh|well|please|tell me|you know|could you|can you|do you know)\b")
_ASKED = (
    (r"(?:(?:in|on|during|at|by) )?(?:what|which) (?:year|date|day|time|decade|century|month|point in time)", "when"),
    (r"(?:(?:in|at) )?(?:what|which) (?:place|location|spot)", "where"),
    (r"(?:for )?(?:what|which) reason|how come", "why"),
    (r"(?:in|by) (?:what|which) (?:way|manner|means)", "how"),
    (r"(?:what|which) (?:(?:is|was|are|were) the )?(?:number|amount) of|how (?:many|much)", "howmany"),
    (r"(?:(?:what|which) (?:person|individual)|whom|whose)", "who"),
    (r"which", "what"),
)  # fmt: skip
_QUESTION_WORDS = tuple((re.compile(rf"\b(?:{pattern})\b"), word) for pattern, word in _ASKED)
ASKS = frozenset({"who", "what", "when", "where", "how", "why", "howmany"})
_STOP_WORDS = """a an the this that these those it its he she they them their his her i you we my your our and or but if then
than as so of in on at by for from to with about into over under between during after before up down out off again further is
are was were be been being am do does did doing done have has had having will would can could shall should may might must not
nor only own same too very s t there here name give also some any each"""
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True)
class Content:
    """One reading of a text. stems: content words in canonical form; asks: question words, as canonical ones."""

    stems: frozenset[str]
    asks: frozenset[str]


def stems(text: str) -> tuple[str, ...]:
    """Every word of `text` in canonical form, in order, stop words left out."""
    spelt = spelled(words(digits(fold(text))))
    return tuple(_stem(word) for word in spelt if word not in _STOP)


def readings(text: str) -> tuple[Content, ...]:
    """How `text` may be read: whole, without the words of repair, and, where it repairs itself, from the last repair on (if
    that says enough by itself). Long texts are not spoken questions: they have one reading."""
    plain = " ".join(words(digits(fold(text))))
    plain = _FILLERS.sub(" ", plain)
    if len(plain.split()) > SPOKEN:
        return (_content(plain),)
    parts = [part for part in REPAIRS.split(plain) if part.strip()]
    contents = [_content(" ".join(parts))]
    if len(parts) > 1:
        last = _content(parts[-1])
        if len(last.stems) >= (2 if last.asks else 4):
            contents.append(last)
    return tuple(dict.fromkeys(contents))


def _content(plain: str) -> Content:
    for pattern, word in _QUESTION_WORDS:
        plain = pattern.sub(word, plain)
    spelt = [word for word in spelled(plain.split()) if word not in _STOP]
    return Content(frozenset(_stem(word) for word in spelt if word not in ASKS), frozenset(spelt) & ASKS)


@lru_cache(maxsize=500_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word)) if len(word) > 3 and word.isascii() and word.isalpha() else word


@lru_cache(maxsize=1)
def _stemmer() -> "PorterStemmer":
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()
