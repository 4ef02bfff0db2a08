"""Rows, splits and the knowledge base, each named by digest, with where they came from."""

from typing import Any

from .digest import Frozen
from .files import read_jsonl
from .store import Store


class Row(Frozen):
    """One example: a question, a text to classify or a document to summarise, with its reference."""

    id: str
    text: str
    answer: str
    passage: str | None = None
    """question_answering: id of the passage in the knowledge base that the question is about."""
    source: str = ""
    slices: dict[str, str] = {}


class Passage(Frozen):
    """One text of the knowledge base."""

    id: str
    text: str
    title: str = ""
    source: str = ""


class Split(Frozen):
    """Rows by digest: the object holds `rows.jsonl` (or `passages.jsonl`)."""

    name: str
    object: str
    count: int


class Dataset(Frozen):
    """Named splits. `knowledge` is the whole base; `training_knowledge` lacks every passage of validation, test and
    benchmarks, so that training contexts retrieved from it cannot leak them."""

    splits: dict[str, Split]
    knowledge: Split | None = None
    training_knowledge: Split | None = None
    practice: Split | None = None
    """Rows of other data that only tuning reads; `practice_passages` holds what they are about."""
    practice_passages: Split | None = None
    suspects: dict[str, tuple[str, ...]] = {}
    """Split → ids of rows that what could not be removed gives away; scores are shown with and without them."""
    provenance: str
    """Object with `provenance.json`: sources, licences, who touched what, what was dropped and why."""

    def rows(self, name: str, store: Store) -> list[Row]:
        """The rows of split `name`, in their frozen order."""
        return read_rows(self.splits[name], store)


def read_rows(split: Split, store: Store) -> list[Row]:
    """The rows of a split."""
    return [Row.model_validate(row) for row in _read(split, store)]


def read_passages(split: Split, store: Store) -> list[Passage]:
    """The passages of a knowledge base."""
    return [Passage.model_validate(row) for row in _read(split, store)]


def _read(split: Split, store: Store) -> list[dict[str, Any]]:
    return read_jsonl(store.file(split.object))
