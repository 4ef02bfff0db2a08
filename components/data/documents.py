"""Documents on their way through curation, and what a step finds in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NotRequired, TypedDict

Part = Literal["knowledge", "practice", "train", "documents"]
COMPARED: tuple[Part, ...] = ("knowledge", "train", "documents")
"""Parts in which duplicates are looked for."""
Cut = tuple[int, int, str]
"""(first character, the one after the last, why)"""


class Place(TypedDict):
    """Where a record was read, as the lists of a Dataset name it."""

    source: str
    line: int
    file: NotRequired[str]
    """In a source that is a folder."""


class Entry(Place):
    """A line of `dropped.jsonl`: what was left out or cut, at which step and why."""

    part: NotRequired[Part]
    """Not known of what never became a row or passage."""
    step: str
    reason: str
    cut: NotRequired[str]
    """Of a text that was cut out of a document that stayed: its SHA-256."""
    characters: NotRequired[int]


@dataclass(frozen=True)
class Origin:
    """Where something was read. file: in a source that is a folder."""

    source: str
    line: int
    file: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"

    @property
    def place(self) -> Place:
        place: Place = {"source": self.source, "line": self.line}
        return place | {"file": self.file} if self.file else place


def entry(origin: Origin, part: Part, step: str, reason: str) -> Entry:
    """A line of `dropped.jsonl`. Rows of examples are of the part `train`, whichever split they might have gone to."""
    return {**origin.place, "part": part, "step": step, "reason": reason}


@dataclass
class Document:
    """A passage of the base, the passage of a practice row, the text of a training row, or a document for pre-training.

    id: of the passage or row that it was made from. fixed: a passage that example rows are about: every step sees it and
    none changes it, so that no evaluation row loses what it asks about. turns: the text is a conversation: it is dropped
    whole or stays whole, and a rewriting goes turn by turn.
    """

    part: Part
    id: str
    text: str
    origin: Origin
    fixed: bool = False
    turns: bool = False

    @property
    def source(self) -> str:
        return self.origin.source


@dataclass(frozen=True)
class Found:
    """What one step found. drop: place in the list → why. cut: place → runs of characters. figures: what it measured."""

    drop: dict[int, str] = field(default_factory=dict)
    cut: dict[int, list[Cut]] = field(default_factory=dict)
    figures: Mapping[str, float | str] = field(default_factory=dict)


def of_part(documents: Sequence[Document], part: Part) -> list[int]:
    """Places of the documents of one part, the fixed ones first: what repeats them goes, not they."""
    places = [place for place, document in enumerate(documents) if document.part == part]
    return sorted(places, key=lambda place: not documents[place].fixed)
