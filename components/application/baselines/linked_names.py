"""The text with known mentions and names marked: equal ones have one number, pronouns that of the mention before them."""

import json
from collections import Counter
from collections.abc import Sequence
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
_NAME = r"\p{Lu}[\p{L}\p{M}'’-]*(?: \p{Lu}[\p{L}\p{M}'’-]*)*"


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers from its object (selection/baselines/linked_names.py). Raises BadInput where there is none."""
    if candidate.baseline is None or not candidate.baseline.object:
        raise BadInput("candidate: baseline 'linked_names' needs an object with its mentions")
    learned = json.loads(store.file(candidate.baseline.object).read_text())
    follows: dict[str, bool] = learned["mentions"]
    common, alone = frozenset(learned["common"]), bool(learned["alone"])
    known = "|".join(regex.escape(said) for said in sorted(follows, key=lambda said: (-len(said), said))) or r"(?!)"
    find = regex.compile(rf"(?V1)(?<!{LETTER})(?:(?i:{known})|{_NAME})(?!{LETTER})")

    def answer(text: str) -> str:
        marks, number_of, number = list[Mark](), dict[str, str](), "1"
        for found in find.finditer(text):
            said = found[0].casefold()
            if said not in follows and {*said.split()} & common:
                continue
            if not marks or not follows.get(said):
                number = number_of.setdefault(said, str(len(number_of) + 1))
            marks.append(Mark(found.start(), found.end(), number))
        sizes = Counter(mark.label for mark in marks)
        return marked(text, [mark for mark in marks if alone or sizes[mark.label] > 1]).strip()

    def reply(texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        return [answer(text) for text in texts]

    return reply
