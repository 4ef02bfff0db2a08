"""Documents on their way through curation, and what a step finds in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Part = Literal["knowledge", "practice", "train"]
COMPARED: tuple[Part, ...] = ("knowledge", "train")
"""Parts in which duplicates are looked for."""
Cut = tuple[int, int, str]
"""(first character, the one after the last, why)"""


@dataclass(frozen=True)
class Origin:
    """Where something was read. file: in a source that is a folder."""

    source: str
    line: int
    file: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


def entry(origin: Origin, part: Part, step: str, reason: str, **more: Any) -> dict[str, Any]:
    """A line of `dropped.jsonl`. Rows of examples are of the part `train`, whichever split they might have gone to."""
    where = {"source": origin.source, "line": origin.line, **({"file": origin.file} if origin.file else {})}
    return {**where, "part": part, "step": step, "reason": reason, **more}


@dataclass
class Document:
    """A passage of the base, the passage of a practice row, or the text of a training row.

    id: of the passage or row that it was made from. fixed: a passage that example rows are about: every step sees it and
    none changes it, so that no evaluation row loses what it asks about.
    """

    part: Part
    id: str
    text: str
    origin: Origin
    fixed: bool = False

    @property
    def source(self) -> str:
        return self.origin.source


@dataclass(frozen=True)
class Found:
    """What one step found. drop: place in the list → why. cut: place → runs of characters. figures: what it measured."""

    drop: dict[int, str] = field(default_factory=dict)
    cut: dict[int, list[Cut]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


def of_part(documents: Sequence[Document], part: Part) -> list[int]:
    """Places of the documents of one part, the fixed ones first: what repeats them goes, not they."""
    places = [place for place, document in enumerate(documents) if document.part == part]
    return sorted(places, key=lambda place: not documents[place].fixed)
