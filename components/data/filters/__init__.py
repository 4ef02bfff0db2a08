"""Filters, one small file each, found by listing this folder: which documents are not worth reading, and why.

Each has its `Config` (the settings beside `name` in the contract's `data.filters`), `find(config, documents, task, key)`,
which returns Found (key: its place in the contract, for messages), and `JUDGES_QUESTIONS`: whether it is shown the questions
of training rows. What judges form, length or likeness to documents is not: a question is short and no document, and would go
for that alone. Texts to classify or to sum up are documents, and every filter sees them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Protocol

from components.core import BadInput, Data, Frozen, Task, parse
from components.tasks import kind_of

from ..documents import Document, Found

Find = Callable[[Sequence[Document], Task], Found]


class Filter(Protocol):
    """What a file defines; its `find` is given its own `Config`."""

    Config: type[Frozen]
    JUDGES_QUESTIONS: bool

    def find(self, config: Frozen, documents: Sequence[Document], task: Task, key: str) -> Found: ...


FILTERS: dict[str, Filter] = {
    path.stem: import_module(f".{path.stem}", __package__)
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
}


def chosen(data: Data) -> list[tuple[str, Find]]:
    """(name, find) of the filters that the contract asks for, in its order; raises BadInput for what is not known."""
    return [(str(given.get("name")), _one(given, f"data.filters.{number}")) for number, given in enumerate(data.filters)]


def _one(given: Mapping[str, object], key: str) -> Find:
    name = given.get("name")
    if name not in FILTERS:
        raise BadInput(f"{key}: key 'name': {name!r} is no filter; allowed: {', '.join(FILTERS)}")
    settings = {setting: value for setting, value in given.items() if setting != "name"}
    config = parse(FILTERS[str(name)].Config, settings, f"{key} ({name})")
    return partial(_find, FILTERS[str(name)], config, key)


def _find(module: Filter, config: Frozen, key: str, documents: Sequence[Document], task: Task) -> Found:
    """What the filter finds among the documents that it is there for."""
    questions = kind_of(task.kind).asks and not module.JUDGES_QUESTIONS
    places = [place for place, document in enumerate(documents) if not (questions and document.part == "train")]
    result = module.find(config, [documents[place] for place in places], task, key)
    drop = {places[at]: why for at, why in result.drop.items()}
    cut = {places[at]: runs for at, runs in result.cut.items()}
    return Found(drop, cut, result.figures)
