"""The suppression list: what a workspace was asked to forget, so that no later run takes it in again.

One small file (`forgotten.json`): a salt, and for each subject the number of its words, their HMAC-SHA-256, and 16 bits of
its first word's, so that a text is hashed as a whole only where that word turns up. No subject stands there in clear text;
whoever has the file can still test a guess, as with any list that is to recognise what it names. Texts are compared by runs
of whole words, so that case, punctuation and spacing make no difference. Not covered: parts of words, other spellings, and
writing without spaces between words.
"""

import hmac
import re
import secrets
import unicodedata
from functools import cached_property
from pathlib import Path

from .digest import Frozen
from .files import publish_json

_WORD = re.compile(r"\w+")
BITS = 4
"""Hexadecimal digits kept of the first word's digest: one word in 65,536 is looked at in vain."""


def words(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation; texts with equal words are equal."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


class Entry(Frozen):
    """One subject: how many words it has, their digest under the list's salt, and the start of its first word's."""

    words: int
    first: str
    keyed: str


class Suppressed(Frozen):
    """The list as a value; part of the key of every step that obeys it."""

    salt: str = ""
    entries: tuple[Entry, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Suppressed":
        """The list in the file `path`; an empty one where nothing was forgotten yet."""
        return cls.model_validate_json(path.read_text()) if path.is_file() else cls()

    def holds(self, *texts: str | None) -> bool:
        """Whether one of `texts` holds a subject of the list."""
        return bool(self.entries) and any(self._in(words(text)) for text in texts if text)

    def adding(self, subject: str) -> "Suppressed":
        """The list with `subject` on it, once."""
        salt = self.salt or secrets.token_hex(16)
        run = words(subject)
        entry = Entry(words=len(run), first=_keyed(salt, run[:1])[:BITS], keyed=_keyed(salt, run))
        kept = tuple(dict.fromkeys((*self.entries, entry)))
        return Suppressed(salt=salt, entries=tuple(sorted(kept, key=lambda one: (one.words, one.keyed))))

    def write(self, path: Path) -> None:
        """Keep the list, whole or not at all."""
        publish_json(path, self)

    @cached_property
    def _starts(self) -> dict[str, tuple[Entry, ...]]:
        """Word → entries that it may begin; grows with the words that are seen."""
        return {}

    def _in(self, run: tuple[str, ...]) -> bool:
        starts = self._starts
        for place, word in enumerate(run):
            if word not in starts:
                first = _keyed(self.salt, (word,))[:BITS]
                starts[word] = tuple(entry for entry in self.entries if entry.first == first)
            for entry in starts[word]:
                if _keyed(self.salt, run[place : place + entry.words]) == entry.keyed:
                    return True
        return False


NOTHING = Suppressed()


def _keyed(salt: str, run: tuple[str, ...]) -> str:
    return hmac.digest(bytes.fromhex(salt), " ".join(run).encode(), "sha256").hex()
