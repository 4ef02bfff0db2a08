"""The suppression list: what a workspace was asked to forget, so that no later run takes it in again.

One small file (`forgotten.json`): a salt, and for each subject the number of its words, their HMAC-SHA-256, and 16 bits of
its first word's, so that a text is hashed as a whole only where that word turns up. No subject stands there in clear text;
whoever has the file can still test a guess, as with any list that is to recognise what it names. Texts are compared by runs
of whole words, so that case, punctuation and spacing make no difference. In Chinese, Japanese, Thai and Korean, where nobody
can tell by rule where a name ends, the run of characters decides: rather a row too many is kept out. Each entry says by
which rule it was written, and is matched by that one for ever. Not covered: parts of words, other spellings, prefixes that
Hebrew and Arabic write together with a name.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import regex
from pydantic import ValidationError, field_validator

from components.core import Frozen
from components.core.errors import Damaged
from components.core.files import publish_sealed, read_json

BITS = 4
"""Hexadecimal digits kept of the first word's digest: one word in 65,536 is looked at in vain."""
RULE = 2
"""The rule by which new entries are written."""
_WORD_1 = re.compile(r"\w+")
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Hangul}ー々〆]"
_WORD_2 = regex.compile(
    rf"{_UNSPACED}\p{{M}}*|(?:(?!{_UNSPACED})[\p{{L}}\p{{N}}_])(?:(?!{_UNSPACED})[\p{{L}}\p{{M}}\p{{N}}_])*", regex.VERSION1
)
_UNSEEN_2 = regex.compile(r"\p{Default_Ignorable_Code_Point}+")


def words(text: str) -> tuple[str, ...]:
    """The words of `text` by the newest rule."""
    return RULES[RULE](text)


def written(text: str) -> list[str]:
    """The same in the cases that they are written in."""
    parts: list[str] = _WORD_2.findall(unicodedata.normalize("NFKC", _UNSEEN_2.sub("", text)))
    return parts


def _rule_1(text: str) -> tuple[str, ...]:
    """Python's `\\w`, which no mark belongs to: words of scripts with combining marks fall into pieces."""
    return tuple(_WORD_1.findall(unicodedata.normalize("NFKC", text).casefold()))


def _rule_2(text: str) -> tuple[str, ...]:
    if text.isascii():
        return _rule_1(text)
    return tuple(_WORD_2.findall(unicodedata.normalize("NFKC", _UNSEEN_2.sub("", text)).casefold()))


RULES: dict[int, Callable[[str], tuple[str, ...]]] = {1: _rule_1, 2: _rule_2}
"""None of these changes: lists that were written by it would no longer be obeyed. A new rule has a new number."""


class Entry(Frozen):
    """One subject: how many words it has, their digest under the list's salt, the start of its first word's, the rule."""

    words: int
    first: str
    keyed: str
    rule: int = 1
    """Key of RULES; the files of before have none."""

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: int) -> int:
        if rule not in RULES:
            raise ValueError(f"rule {rule} is not known here; known: {', '.join(map(str, RULES))}. Use a newer Ninefold")
        return rule


class Suppressed(Frozen):
    """The list as a value; part of the key of every step that obeys it."""

    salt: str = ""
    entries: tuple[Entry, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Suppressed":
        """The list in the file `path`; an empty one where nothing was forgotten yet. Raises Damaged for one that cannot be
        read, whatever it is about: a run without it would take in again what must not be."""
        try:
            return cls.model_validate(read_json(path)) if path.is_file() else cls()
        except ValidationError as error:
            raise Damaged(path, str(error.errors()[0]["msg"]), "put it back from a backup") from error

    def holds(self, *texts: str | None) -> bool:
        """Whether one of `texts` holds a subject of the list."""
        rules = {entry.rule for entry in self.entries}
        return any(self._in(RULES[rule](text), rule) for text in texts if text for rule in rules)

    def adding(self, subject: str) -> "Suppressed":
        """The list with `subject` on it, once."""
        salt = self.salt or secrets.token_hex(16)
        run = words(subject)
        entry = Entry(words=len(run), first=_keyed(salt, run[:1])[:BITS], keyed=_keyed(salt, run), rule=RULE)
        entries = tuple(dict.fromkeys((*self.entries, entry)))
        return Suppressed(salt=salt, entries=tuple(sorted(entries, key=lambda one: (one.words, one.keyed, one.rule))))

    def write(self, path: Path) -> None:
        """Keep the list, whole or not at all."""
        publish_sealed(path, self)

    @cached_property
    def _starts(self) -> dict[tuple[int, str], tuple[Entry, ...]]:
        """(rule, word) → entries that it may begin; grows with the words that are seen."""
        return {}

    def _in(self, run: tuple[str, ...], rule: int) -> bool:
        starts = self._starts
        for place, word in enumerate(run):
            if (rule, word) not in starts:
                first = _keyed(self.salt, (word,))[:BITS]
                starts[rule, word] = tuple(one for one in self.entries if one.rule == rule and one.first == first)
            for entry in starts[rule, word]:
                if _keyed(self.salt, run[place : place + entry.words]) == entry.keyed:
                    return True
        return False


NOTHING = Suppressed()


def _keyed(salt: str, run: tuple[str, ...]) -> str:
    return hmac.digest(bytes.fromhex(salt), " ".join(run).encode(), "sha256").hex()
