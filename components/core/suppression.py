"""The suppression list: what a workspace was asked to forget, so that no later run takes it in again.

One small file (`forgotten.json`): a salt, and for each subject the number of its words and their HMAC-SHA-256. No subject
stands there in clear text; whoever has the file can still test a guess, as with any list that is to recognise what it
names. Texts are compared by runs of whole words, so that case, punctuation and spacing make no difference. Not covered:
parts of words, other spellings, and writing without spaces between words.
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


def words(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation; texts with equal words are equal."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


class Entry(Frozen):
    """One subject: how many words it has, and their digest under the list's salt."""

    words: int
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
        entry = Entry(words=len(words(subject)), keyed=_keyed(salt, words(subject)))
        kept = tuple(dict.fromkeys((*self.entries, entry)))
        return Suppressed(salt=salt, entries=tuple(sorted(kept, key=lambda one: (one.words, one.keyed))))

    def write(self, path: Path) -> None:
        """Keep the list, whole or not at all."""
        publish_json(path, self)

    @cached_property
    def _digests(self) -> dict[int, set[str]]:
        counts = {one.words for one in self.entries}
        return {count: {one.keyed for one in self.entries if one.words == count} for count in counts}

    def _in(self, run: tuple[str, ...]) -> bool:
        return any(
            _keyed(self.salt, run[start : start + count]) in digests
            for count, digests in self._digests.items()
            for start in range(len(run) - count + 1)
        )


NOTHING = Suppressed()


def _keyed(salt: str, run: tuple[str, ...]) -> str:
    return hmac.digest(bytes.fromhex(salt), " ".join(run).encode(), "sha256").hex()
