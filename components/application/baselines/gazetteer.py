"""The names of a list that stand in the text, under their keys, as JSON; the longest name where two overlap."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import regex

from components.core import BadInput, Candidate, Store
from components.tasks import kind_of
from components.text.words import LETTER

from . import Reply

if TYPE_CHECKING:
    from ..answer import Hit

PACKAGES = ()
READS_INPUT = True


def load(candidate: Candidate, store: Store) -> Reply:
    """Answers from the list in `baseline.object`: {key: [name, …]}. Raises BadInput where there is none."""
    if candidate.baseline is None or not candidate.baseline.object:
        raise BadInput("candidate: baseline 'gazetteer' needs an object with its list of names")
    listed: dict[str, list[str]] = json.loads(store.file(candidate.baseline.object).read_text())
    key_of = {name: key for key, names in listed.items() for name in names}
    longest = sorted(key_of, key=lambda name: (-len(name), name))
    # a name ends where no letter follows; scripts without spaces have no such end
    names = "|".join(map(regex.escape, longest))
    find = regex.compile(rf"(?V1)(?<!{LETTER})(?:{names})(?!{LETTER})" if longest else r"(?!)")
    keys = [*candidate.own["schema"]["properties"]]

    def answer(text: str) -> str:
        named: dict[str, list[str]] = {key: [] for key in keys}
        for match in find.finditer(text):
            named[key_of[match.group()]].append(match.group())
        return kind_of(candidate.task).read_answer(named, candidate.own) or ""

    def reply(texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        return [answer(text) for text in texts]

    return reply
