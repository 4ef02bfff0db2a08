"""Which of the contract's labels an answer names: exactly, or but for case and punctuation where only one label fits."""

from collections.abc import Sequence
from functools import lru_cache

import regex

from .strengths import same
from .words import LETTER, words

_LETTER = regex.compile(LETTER, regex.VERSION1)


def label_of(labels: Sequence[str], answer: str) -> str | None:
    """The one label that `answer` is: the same text, or the same words (`Positive.` is `positive`) where no other label has
    these words; None where none is."""
    exact, folded = _forms(tuple(labels))
    text = same(answer)
    return exact[text] if text in exact else folded.get(words(answer))


def matching_label(labels: Sequence[str], answer: str) -> str | None:
    """The label that `answer` is, or that it names first as a whole word; of two that begin at one place the longer. None
    where none is named. Labels that only case tells apart are looked for as they are written."""
    if whole := label_of(labels, answer):
        return whole
    text, matches = same(answer), []
    for label in labels:
        if match := _pattern(label, _told_by_case(label, labels)).search(text):
            matches.append((match.start(), -len(label), label))
    return min(matches)[2] if matches else None


@lru_cache(maxsize=256)
def _forms(labels: tuple[str, ...]) -> tuple[dict[str, str], dict[tuple[str, ...], str]]:
    exact = {same(label): label for label in reversed(labels)}
    folded = [words(label) for label in labels]
    once = {form: label for form, label in zip(folded, labels, strict=True) if form and folded.count(form) == 1}
    return exact, once


def _told_by_case(label: str, labels: Sequence[str]) -> bool:
    return any(other != label and other.casefold() == label.casefold() for other in labels)


@lru_cache(maxsize=4096)
def _pattern(label: str, exact_case: bool) -> "regex.Pattern[str]":
    text = same(label)
    before = rf"(?<!{LETTER})" if text and _LETTER.match(text[0]) else ""
    before += r"(?<![-−+<>])" if text[:1].isdigit() else ""  # `1` is not named by `-1`
    after = rf"(?!{LETTER}|[+#])" if text and _LETTER.match(text[-1]) else ""  # nor `C` by `C++`
    flags = regex.VERSION1 if exact_case else regex.VERSION1 | regex.IGNORECASE | regex.FULLCASE
    return regex.compile(before + regex.escape(text) + after, flags)
