"""Documents for continued pre-training: the texts of `unlabelled` sources that no labelling function reads.

None may give validation, test or a benchmark away, as for every other text that training reads. A share of the documents is
held out to measure the model in its domain, what repeats one of them is no training document, and a fixed general text that
repeats none measures it outside.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from components.core import BadInput, GateRefused, Passage, Workspace, asset_path
from components.text.leaks import Item, Leaks
from components.text.overlap import Overlap

from .contamination import LeakFinding, training_leaks
from .documents import Entry, Origin, entry
from .readers import UNITS
from .rows import Collected, passage_id
from .split import shuffled

GENERAL = 100
"""Documents of the general text that are measured."""
_PART = re.compile(rf", (?:{'|'.join(sorted({*UNITS.values()} - {'line', 'document'}))}) \d+$")
"""Behind a file's name, where a text of it is a part of one document."""
FIELDS = ("document", "passage", "text")
"""What a general text's lines may call it."""


class DocumentFigures(TypedDict):
    """Documents that are trained on, held out, and of the general text, which is named."""

    training: int
    in_domain: int
    out_of_domain: int
    general: str


@dataclass(frozen=True)
class Documents:
    """training: what is learned from. in_domain: held out of it. out_of_domain: of the general text. findings: leaks, all
    removed. left_out: entries of `dropped.jsonl`."""

    training: list[Passage]
    in_domain: list[Passage]
    out_of_domain: list[Passage]
    findings: list[LeakFinding]
    left_out: list[Entry]
    general: str

    @property
    def splits(self) -> dict[str, list[Passage]]:
        """By the names that the Dataset has for them."""
        outside = self.out_of_domain
        return {"documents": self.training, "documents_in_domain": self.in_domain, "documents_out_of_domain": outside}

    @property
    def figures(self) -> DocumentFigures:
        """How many there are."""
        return {
            "training": len(self.training),
            "in_domain": len(self.in_domain),
            "out_of_domain": len(self.out_of_domain),
            "general": self.general,
        }


def divide_documents(
    collected: Collected,
    leaks: Leaks,
    held_out: Overlap,
    share: float,
    near: float,
    seed: int,
    general: str,
    workspace: Workspace,
) -> Documents:
    """Divide the curated documents of `collected`; nothing where there are none.

    leaks: over validation, test and benchmark items; held_out: over their passages. share: of documents that is held out, by
    the seed and each document alone; the pages of one file in a folder are one document. near: as for `Overlap`.
    general: `asset:<asset>/<path>` of JSON lines. Raises GateRefused where no document is left to train on.
    """
    if not collected.documents:
        return Documents([], [], [], [], [], general)
    findings = _leaks(list(collected.documents.values()), leaks, held_out)
    leaked = {one.id: one for one in findings}
    whole: dict[str, list[Passage]] = defaultdict(list)
    for name in shuffled(collected.documents.keys() - leaked.keys(), seed):
        whole[_document(collected.origin["documents", name], name)].append(collected.documents[name])
    order = shuffled(whole, seed)
    first = max(1, round(share * len(order)))
    held, rest = ([one for name in names for one in whole[name]] for names in (order[:first], order[first:]))
    same = Overlap([(Item("in domain", one.id), one.text) for one in held], near)
    training = [one for one in rest if not same.find(one.text)]
    if not training:
        raise GateRefused(
            f"data: of {len(collected.documents):,} unlabelled documents none is left to train on: {len(leaked):,} give "
            f"evaluation rows away, {len(held):,} are held out to measure on, {len(rest):,} repeat one of those. Give the "
            "source more documents, or leave it out"
        )
    kept = {one.id for one in training}
    out = [entry(collected.origin["documents", name], "documents", "leak", one.reason) for name, one in leaked.items()]
    out += [
        entry(collected.origin["documents", one.id], "documents", "equal", "repeats a held-out document")
        for one in rest
        if one.id not in kept
    ]
    outside = _general(general, [*held, *training], near, workspace)
    return Documents(training, held, outside, findings, out, general)


def _document(origin: Origin, name: str) -> str:
    """What the text `name` is a part of: its file, or itself."""
    file = _PART.sub("", origin.file)
    return f"{origin.source}/{file}" if file != origin.file else name


def _leaks(documents: list[Passage], leaks: Leaks, held_out: Overlap) -> list[LeakFinding]:
    """What gives evaluation away, one finding a document: a row's text again, or its question or passage within."""
    inside, _ = training_leaks("document", documents, leaks, held_out)
    found = {one.id: one for one in inside}
    texts = [(one.text, "") for one in documents]
    for document, leak in zip(documents, leaks.of_rows(texts), strict=True):
        if leak:
            found[document.id] = LeakFinding("document", document.id, document.source, leak)
    return list(found.values())


def _general(reference: str, documents: Iterable[Passage], near: float, workspace: Workspace) -> list[Passage]:
    """The first GENERAL texts of the asset, in an order of their own, that none of `documents` repeats."""
    path = asset_path(reference, workspace)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = [str(next((line[field] for field in FIELDS if line.get(field)), "")) for line in lines]
    named = {passage_id(text): text for text in texts if text.strip()}
    if not named:
        raise BadInput(f"data.general: {reference} has no line with one of the fields {', '.join(FIELDS)}")
    chosen = shuffled(named, 0)[:GENERAL]
    overlap = Overlap([(Item("out of domain", name), named[name]) for name in chosen], near)
    seen = {leak.item.id for one in documents if (leak := overlap.find(one.text))}
    return [Passage(id=name, text=named[name], source=reference) for name in chosen if name not in seen]
