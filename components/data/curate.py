"""Curation: normalise → filters → duplicates, on what training and retrieval read. Evaluation rows and the passages that
example rows are about are neither dropped nor rewritten.

Every dropped document, and every cut text by its digest and length, is kept with its source, line, step and reason; the
effect of each step is counted in documents and characters.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from components.core import Data, Task, progress

from . import duplicates, filters
from .documents import Cut, Document, Found, Part, entry
from .normalise import normaliser


@dataclass
class Curated:
    """documents: what is left, rewritten. dropped: one entry for a document that went, or a text that was cut. effects: one
    entry for each step."""

    documents: list[Document]
    dropped: list[dict[str, Any]] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, set[tuple[Part, str]]] = field(default_factory=dict)
    """Step → (part, id) of the documents that it dropped."""

    @property
    def notes(self) -> list[str]:
        """A sentence on each step that dropped more than half of the training rows that it was given."""
        given = [(effect["step"], *effect["training_rows"]) for effect in self.effects]
        return [
            f"curation: '{step}' dropped {rows - left:,} of {rows:,} training rows; dropped.jsonl has the reasons"
            for step, rows, left in given
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
        text = normalised(document.text)
        changed += text != document.text
        document.text = text
        if not text:
            drop[place] = "nothing is left"
    _leave_out(curated, "normalise", Found(drop, figures={"changed": changed}), before)


def _apply(curated: Curated, step: str, found: Found) -> None:
    """Cut and drop what a step found, fixed documents apart."""
    before = _size(curated.documents)
    drop, cuts = dict(found.drop), 0
    for place, runs in sorted(found.cut.items()):
        document = curated.documents[place]
        if document.fixed or document.part == "practice" or place in drop:
            continue
        cuts += len(runs)
        for start, end, reason in runs:
            text = document.text[start:end]
            digest = hashlib.sha256(text.encode()).hexdigest()
            curated.dropped.append(entry(document.origin, document.part, step, reason, cut=digest, characters=len(text)))
        document.text = without(document.text, runs)
        if not document.text:
            drop[place] = "nothing is left"
    figures = {"cuts": cuts, **found.figures} if found.cut else found.figures
    _leave_out(curated, step, Found(drop, figures=figures), before)


def _leave_out(curated: Curated, step: str, found: Found, before: tuple[int, int]) -> None:
    drop = {place: why for place, why in found.drop.items() if not curated.documents[place].fixed}
    rows = sum(document.part == "train" for document in curated.documents)
    gone = {place: curated.documents[place] for place in sorted(drop)}
    curated.dropped += [entry(document.origin, document.part, step, drop[place]) for place, document in gone.items()]
    curated.lost[step] = {(document.part, document.id) for document in gone.values()}
    curated.documents = [document for place, document in enumerate(curated.documents) if place not in drop]
    after = _size(curated.documents)
    effect = {"step": step, "documents": [before[0], after[0]], "characters": [before[1], after[1]]}
    effect["training_rows"] = [rows, rows - len(curated.lost[step])]
    by_source = dict(sorted(Counter(document.source for document in gone.values()).items()))
    curated.effects.append({**effect, "dropped": by_source, **({"figures": found.figures} if found.figures else {})})


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
