"""Rows, splits and the knowledge base, each named by digest, with where they came from."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from .digest import Frozen
from .files import read_jsonl
from .store import Store


class Row(Frozen):
    """One example: a question, a text to classify or a document to summarise, with its reference."""

    id: str
    text: str
    """All of the input; where its text comes with a question, both (components/text/given.py)."""
    answer: str
    tests: str | None = Field(None, exclude_if=lambda tests: tests is None)  # rows without them keep their digests
    """code_generation: a program that runs to its end behind an answer that is right."""
    passage: str | None = None
    """question_answering: id of the passage in the knowledge base that the question is about."""
    conversation: str | None = Field(None, exclude_if=lambda conversation: conversation is None)
    """Of a kind of task with turns: what rows of one conversation share; they stay in one split."""
    source: str = ""
    slices: dict[str, str] = {}
    origin: Literal["collected", "synthetic", "programmatic", "pseudo"] = "collected"
    """synthetic: no person wrote it. programmatic: a person wrote the text, and labelling functions its answer. pseudo: a
    person wrote the text, and a model tuned here its answer."""
    confidence: float | None = Field(None, exclude_if=lambda confidence: confidence is None)
    """pseudo: the probability that the model gave its answer."""


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
    documents: Split | None = Field(None, exclude_if=lambda split: split is None)  # others keep their digests
    """Texts without an answer, which pre-training reads and a tuned model may label; none holds a row or a passage of
    validation or test, or a benchmark item."""
    documents_in_domain: Split | None = Field(None, exclude_if=lambda split: split is None)
    """Documents held out of those, to measure the model in its domain."""
    documents_out_of_domain: Split | None = Field(None, exclude_if=lambda split: split is None)
    """A fixed general text, to measure it outside."""
    made: Split | None = None
    """Rows that nobody collected as they are (`Row.origin`): tuning may read them beside `train`, nothing else may."""
    benchmark_items: Split | None = None
    """Object with `items.jsonl`: {"where", "id", "question", "answer"} of every item that evaluation may ask, for what comes
    to training later (preference pairs)."""
    provenance: str
    """Object with `provenance.json`: sources, licences, who touched what, what was dropped and why."""

    def rows(self, name: str, store: Store) -> list[Row]:
        """The rows of split `name`, in their frozen order."""
        return read_rows(self.splits[name], store)


def read_rows(split: Split, store: Store) -> list[Row]:
    """The rows of a split; see `only_collected`."""
    rows = [Row.model_validate(row) for row in _read(split, store)]
    only_collected(split.name, rows)
    return rows


FOR_TRAINING_ONLY = ("made", "practice", "pseudo")
"""Splits that may hold rows that nobody collected."""


def only_collected(split: str, rows: Iterable[Row]) -> None:
    """Assert that no made row has entered a split that measures, decides, or lends its rows to prompts. Every split passes
    here when it is written and whenever it is read."""
    uncollected = [row.id for row in rows if row.origin != "collected"]
    assert not uncollected or split in FOR_TRAINING_ONLY, (
        f"split '{split}' holds {len(uncollected)} rows that nobody collected, the first is {uncollected[0]}"
    )


def read_passages(split: Split, store: Store) -> list[Passage]:
    """The passages of a knowledge base."""
    return [Passage.model_validate(row) for row in _read(split, store)]


def _read(split: Split, store: Store) -> list[dict[str, object]]:
    return read_jsonl(store.file(split.object))
