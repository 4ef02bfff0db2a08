"""Spans of a text, written into it as Markdown writes links, a label for the address: `[Ann](1) lost [[her](1) bag](2)`.

A model that copies the text and marks it says where each span stands, which words alone would not (the form that coreference
by sequence to sequence is best at: Zhang et al. 2023, EMNLP, arXiv:2310.13774). Brackets without a label are the text's own.
Not covered: spans that overlap and do not hold each other.
"""

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

import regex


class Mark(NamedTuple):
    """The characters from `start` up to `end`, and what they are called."""

    start: int
    end: int
    label: str


def unmarked(text: str, label: str) -> tuple[str, list[Mark]]:
    """(`text` without its marks, the marks, those first that end first). label: a regular expression of what a label is."""
    pieces, opened, closed, at = list[str](), list[int](), list[tuple[int, int, str]](), 0
    for found in regex.finditer(rf"\[|\](?:\(({label})\))?", text):
        pieces.append(text[at : found.start()])
        at = found.end()
        if found[0] == "[":
            opened.append(len(pieces))
            pieces.append("[")
        elif opened and found[1] is not None:
            begin = opened.pop()
            pieces[begin] = ""
            closed.append((begin, len(pieces), found[1]))
        else:
            del opened[-1:]
            pieces.append(found[0])
    pieces.append(text[at:])
    place = [0, *accumulate(map(len, pieces))]
    return "".join(pieces), [
        Mark(place[begin], place[end], name) for begin, end, name in closed if place[begin] < place[end]
    ]


def marked(text: str, marks: Iterable[Mark]) -> str:
    """`text` with its marks written in; of two at the same place the later one is the outer one."""
    begins: dict[int, str] = {}
    ends: dict[int, str] = {}
    for mark in sorted(marks, key=lambda mark: mark.end - mark.start):
        begins[mark.start] = f"[{begins.get(mark.start, '')}"
        ends[mark.end] = f"{ends.get(mark.end, '')}]({mark.label})"
    at = range(len(text) + 1)
    return "".join(f"{ends.get(place, '')}{begins.get(place, '')}{text[place : place + 1]}" for place in at)


def places(text: str, said: str, label: str) -> list[Mark]:
    """The marks of `said`, in characters of `text` that are no white space, as far as `said` says what `text` does: behind
    the first other character nobody knows what a mark is of."""
    plain, marks = unmarked(said, label)
    wanted, copied = ("".join(one.split()) for one in (text, plain))
    signs = enumerate(zip(wanted, copied, strict=False))
    same = next((place for place, (one, two) in signs if one != two), min(len(wanted), len(copied)))
    solid = [0, *accumulate(not sign.isspace() for sign in plain)]
    found = [Mark(solid[start], solid[end], name) for start, end, name in marks]
    return [mark for mark in found if mark.start < mark.end <= same]


def marked_as(text: str, answer: str | Iterable[Mark] | None, label: str) -> str | None:
    """`text` with marks, as `answer` says: marked already, or the marks alone. None where it is none, marks another text, or
    its spans cannot be marked."""
    if answer is None:
        return None
    marks = unmarked(answer, label)[1] if isinstance(answer, str) else list(answer)
    made = answer.strip() if isinstance(answer, str) else marked(text, marks)
    plain, found = unmarked(made, label)
    whole = isinstance(answer, str) or sorted(found) == sorted(marks)
    return made if whole and plain.split() == text.split() else None


def span(value: object, length: int) -> tuple[int, int] | None:
    """`value` where it is [start, end] of some characters of so many, the end not included."""
    match value:
        case [int(start), int(end)] if 0 <= start < end <= length and not isinstance(start, bool):
            return start, end
    return None
