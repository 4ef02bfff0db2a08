"""What is to be forgotten, recognised in bytes as they lie on disk: plain, JSON-escaped, HTML-escaped, percent-encoded, in
any case, in UTF-8 or UTF-16.

A text holds the subject where its words stand in a row (`components.text.suppression.words`), the very rule by which the
suppression list keeps rows out later. A wide pattern finds candidates quickly; each is decoded and judged by that rule. Not
covered: base64, encryption, and words that markup cuts in two.
"""

import re
from functools import cached_property
from html import unescape
from html.entities import codepoint2name
from itertools import pairwise
from unicodedata import normalize
from urllib.parse import unquote

from components.core import BadInput, Frozen
from components.text.suppression import words, written

LEAST = 3
"""Letters and digits that a subject must have: shorter ones stand in every other text. One of Chinese, Japanese or Korean
says as much as two."""
GONE = "[forgotten]"
_GAP = rb"""(?:\\u[0-9a-f]{4}|\\[nrtbf"\\/']|%[0-9a-f]{2}|&\#?[a-z0-9]{1,8};|[^0-9a-z_]){1,16}?"""
_NO_GAP = _GAP.replace(b"{1,16}?", b"{0,16}?")
"""Between characters that are words of their own: Chinese, Japanese, Thai and Korean put nothing there."""
_UNSEEN = rb"(?:\xe2\x80[\x8b-\x8f]|\xc2\xad|\\u200[b-f]|\\u00ad)?"
"""Joiners and soft hyphens within a word: the rule does not see them."""
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\([nrtbf\"\\/'])")
_AROUND = 12
"""Bytes looked at on each side of a match: the longest escape of one neighbouring letter."""
_ID = re.compile(rb"(?<![0-9a-z])[0-9a-f]{16}(?![0-9a-z])")
"""A row's id."""


class Subject(Frozen):
    """One subject: texts that must not be found (a phrase; or the id and the text of a row or an answer)."""

    phrases: tuple[str, ...]
    rows: tuple[str, ...] = ()
    """Ids of the rows that hold it. What is made of a row keeps its id, alone or with a word behind it, and not its words:
    the question with typing errors, about another gender, its figures."""

    @classmethod
    def of(cls, *phrases: str) -> "Subject":
        """Raises BadInput for a phrase that is too short to tell texts apart."""
        for phrase in phrases:
            if size(phrase) < LEAST:
                raise BadInput(f"'{phrase}': a subject needs at least {LEAST} letters or digits: an address, a name, an id")
        return cls(phrases=tuple(dict.fromkeys(phrases)))

    def holds(self, text: str) -> bool:
        """Whether a text holds the subject."""
        return self.in_bytes(text.encode(errors="surrogatepass"))

    def in_bytes(self, data: bytes) -> bool:
        """Whether the content of a file holds the subject."""
        return any(one.found(form) for form in _forms(data) for one in self._patterns) or self._names_a_row(data)

    def without(self, text: str) -> str:
        """The text with each place that holds the subject replaced."""
        data = text.encode(errors="surrogatepass")
        for one in self._patterns:
            data = one.replaced(data)
        data = _ID.sub(lambda match: GONE.encode() if match.group() in self._ids else match.group(), data)
        return data.decode(errors="surrogatepass")

    def _names_a_row(self, data: bytes) -> bool:
        return bool(self._ids) and any(not self._ids.isdisjoint(_ID.findall(form)) for form in _forms(data))

    @cached_property
    def _ids(self) -> frozenset[bytes]:
        return frozenset(id.encode() for id in self.rows)

    @cached_property
    def _patterns(self) -> list["_Pattern"]:
        return [_Pattern(phrase) for phrase in self.phrases]


def size(phrase: str) -> int:
    """How many letters and digits a phrase has, as `LEAST` counts them."""
    return sum(len(word) + (word[0] >= "\u1100" and len(word) == 1) for word in words(phrase))


class _Pattern:
    """One phrase: a quick look for its longest plain run of letters, a wide pattern, then the rule itself."""

    def __init__(self, phrase: str) -> None:
        self.words = words(phrase)
        given = written(phrase)
        self.anchor = max(re.findall(r"[a-z0-9_]+", " ".join(given).lower()), key=len, default="").encode()
        forms = [(b"" if word.isascii() else _UNSEEN).join(map(_letter, word)) for word in given]
        gaps = [_GAP if one.isascii() and other.isascii() else _NO_GAP for one, other in pairwise(given)]
        joined = b"".join(gap + form for gap, form in zip([b"", *gaps], forms, strict=True))
        self.wide = re.compile(joined, re.IGNORECASE)

    def found(self, data: bytes) -> bool:
        """Whether the phrase stands in `data`."""
        return self.anchor in data.lower() and any(self._right(data, match) for match in self.wide.finditer(data))

    def replaced(self, data: bytes) -> bytes:
        """`data` with the phrase replaced wherever it stands."""
        return self.wide.sub(lambda match: GONE.encode() if self._right(data, match) else match.group(), data)

    def _right(self, data: bytes, match: re.Match[bytes]) -> bool:
        seen = data[max(0, match.start() - _AROUND) : match.end() + _AROUND].decode(errors="ignore")
        plain = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else " ", seen)
        return any(self._in(words(text)) for text in (seen, plain, unescape(plain), unquote(plain)))

    def _in(self, run: tuple[str, ...]) -> bool:
        size = len(self.words)
        return any(run[start : start + size] == self.words for start in range(len(run) - size + 1))


def _forms(data: bytes) -> tuple[bytes, ...]:
    """The bytes, and where there are zero bytes the same without them: UTF-16 of plain letters."""
    return (data, data.replace(b"\0", b"")) if b"\0" in data else (data,)


def _letter(letter: str) -> bytes:
    """A pattern for one letter in every form that it may be written in."""
    if letter.isascii():
        return re.escape(letter.encode())
    cases = {letter, letter.lower(), letter.upper(), letter.casefold()}
    texts = cases | {normalize("NFD", one) for one in cases}
    forms = {form for text in texts for form in _written(text)}
    return b"(?:" + b"|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)) + b")"


def _written(text: str) -> list[bytes]:
    units = text.encode("utf-16-be")
    escaped = "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
    percent = "".join(f"%{byte:02X}" for byte in text.encode())
    html = ["".join(form.format(ord(one)) for one in text) for form in ("&#{};", "&#x{:x};")]
    named = [f"&{codepoint2name[ord(text)]};"] if len(text) == 1 and ord(text) in codepoint2name else []
    return [text.encode(), *(form.encode() for form in (escaped, percent, *html, *named))]
