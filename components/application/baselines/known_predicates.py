"""The text with known predicates marked, and what stands before and behind each of them as its arguments."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import regex

from components.core import BadInput, Candidate, Store
from components.text import Mark, marked
from components.text.words import LETTER

from . import Reply

if TYPE_CHECKING:
    from ..answer import Hit

PACKAGES = ()
READS_INPUT = True
_SIGN = regex.compile(r"[^\p{L}\p{M}\p{N}\s'’-]")
"""An argument goes no further."""


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers from its object (selection/baselines/known_predicates.py). Raises BadInput where there is none."""
    if candidate.baseline is None or not candidate.baseline.object:
        raise BadInput("candidate: baseline 'known_predicates' needs an object with its predicates")
    learned = json.loads(store.file(candidate.baseline.object).read_text())
    longest = sorted(learned["predicates"], key=lambda said: (-len(said), said))
    known = "|".join(map(regex.escape, longest)) or r"(?!)"
    find = regex.compile(rf"(?V1)(?<!{LETTER})(?i:{known})(?!{LETTER})")

    def marks(text: str) -> Iterator[Mark]:
        found = [place.span() for place in find.finditer(text)]
        stops = sorted([(0, 0), (len(text), len(text)), *(sign.span() for sign in _SIGN.finditer(text)), *found])
        for number, (start, end) in enumerate(found, 1):
            yield Mark(start, end, f"{number} V")
            before = max(stop for _, stop in stops if stop <= start)
            behind = min(stop for stop, _ in stops if stop >= end)
            for role, first, last in ((learned["before"], before, start), (learned["behind"], end, behind)):
                part = text[first:last]
                if role and part.strip():
                    first += len(part) - len(part.lstrip())
                    yield Mark(first, first + len(part.strip()), f"{number} {role}")

    def reply(texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        return [marked(text, marks(text)).strip() for text in texts]

    return reply
