"""Curation: normalise → filters → duplicates, on what training and retrieval read. Evaluation rows and the passages that
example rows are about are neither dropped nor rewritten.

Every dropped document, and every cut text by its digest and length, is kept with its source, line, step and reason; the
effect of each step is counted in documents and characters.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from components.core import Data, Task, progress
from components.text.turns import each_turn

from . import duplicates, filters
from .documents import Cut, Document, Entry, Found, Part, entry
from .normalise import normaliser


class StepEffect(TypedDict):
    """What one step of curation did. Counts are [before, after]; dropped: source → documents."""

    step: str
    documents: list[int]
    characters: list[int]
    training_rows: list[int]
    dropped: dict[str, int]
    figures: NotRequired[Mapping[str, float | str]]
    """What the step measured, where it did."""


@dataclass
class Curated:
    """documents: what is left, rewritten. dropped: one entry for a document that went, or a text that was cut. effects: one
    entry for each step."""

    documents: list[Document]
    dropped: list[Entry] = field(default_factory=list)
    effects: list[StepEffect] = field(default_factory=list)
    lost: dict[str, set[tuple[Part, str]]] = field(default_factory=dict)
    """Step → (part, id) of the documents that it dropped."""

    @property
    def notes(self) -> list[str]:
        """A sentence on each step that dropped more than half of the training rows that it was given."""
        counts = [(effect["step"], effect["training_rows"]) for effect in self.effects]
        return [
            f"curation: '{step}' dropped {rows - left:,} of {rows:,} training rows; dropped.jsonl has the reasons"
            for step, (rows, left) in counts
            if 2 * left < rows
        ]


def curate(documents: list[Document], data: Data, task: Task) -> Curated:
    """Take `documents` through the steps that the contract asks for; with none, nothing changes.

    Raises BadInput for a filter that is not known or cannot work, with its key.
    """
    steps = filters.chosen(data)
    curated = Curated(documents)
    if any(value != "keep" for value in data.normalise.model_dump().values()):
        _normalise(curated, data, task)
    for name, find in progress(steps, "filtering"):
        _apply(curated, name, find(curated.documents, task))
    for name, look in duplicates.chosen(data.duplicates):
        _apply(curated, name, look(curated.documents))
    return curated


def _normalise(curated: Curated, data: Data, task: Task) -> None:
    normalised = normaliser(data.normalise, task.language)
    before = _size(curated.documents)
    changed, drop = 0, {}
    for place, document in enumerate(curated.documents):
        if document.fixed:
            continue
        text = each_turn(document.text, normalised) if document.turns else normalised(document.text)
        changed += text != document.text
        document.text = text
        if not text:
            drop[place] = "nothing is left"
    _leave_out(curated, "normalise", Found(drop, figures={"changed": changed}), before)


def _apply(curated: Curated, step: str, result: Found) -> None:
    """Cut and drop what a step found, fixed documents apart."""
    before = _size(curated.documents)
    drop, cuts = dict(result.drop), 0
    for place, runs in sorted(result.cut.items()):
        document = curated.documents[place]
        if document.fixed or document.turns or document.part == "practice" or place in drop:
            continue
        cuts += len(runs)
        for start, end, reason in runs:
            text = document.text[start:end]
            digest = hashlib.sha256(text.encode()).hexdigest()
            line = entry(document.origin, document.part, step, reason)
            curated.dropped.append(line | {"cut": digest, "characters": len(text)})
        document.text = without(document.text, runs)
        if not document.text:
            drop[place] = "nothing is left"
    figures = {"cuts": cuts, **result.figures} if result.cut else result.figures
    _leave_out(curated, step, Found(drop, figures=figures), before)


def _leave_out(curated: Curated, step: str, result: Found, before: tuple[int, int]) -> None:
    drop = {place: why for place, why in result.drop.items() if not curated.documents[place].fixed}
    rows = sum(document.part == "train" for document in curated.documents)
    gone = {place: curated.documents[place] for place in sorted(drop)}
    curated.dropped += [entry(document.origin, document.part, step, drop[place]) for place, document in gone.items()]
    curated.lost[step] = {(document.part, document.id) for document in gone.values()}
    curated.documents = [document for place, document in enumerate(curated.documents) if place not in drop]
    after = _size(curated.documents)
    effect: StepEffect = {
        "step": step,
        "documents": [before[0], after[0]],
        "characters": [before[1], after[1]],
        "training_rows": [rows, rows - len(curated.lost[step])],
        "dropped": dict(sorted(Counter(document.source for document in gone.values()).items())),
    }
    curated.effects.append(effect | {"figures": result.figures} if result.figures else effect)


def without(text: str, runs: Sequence[Cut]) -> str:
    """`text` without the runs of characters; both sides are joined by a line break where there was one, else a space."""
    pieces, at = [], 0
    for start, end, _ in sorted(runs):
        pieces.append(text[at:start])
        at = max(at, end)
    pieces.append(text[at:])
    joined = ""
    for piece in pieces:
        if not piece.strip():
            joined += "\n" if "\n" in piece and joined and not joined.endswith("\n") else ""
            continue
        left, right = joined.rstrip(), piece.lstrip()
        between = joined[len(left) :] + piece[: len(piece) - len(right)]
        joined = left + ("\n" if "\n" in between else " ") + right if left else right
    return joined.strip()


def _size(documents: Sequence[Document]) -> tuple[int, int]:
    """(documents, characters)"""
    return len(documents), sum(len(document.text) for document in documents)
