"""Verifying a card: every figure of its record is computed again from the evidence, and the card is rendered again.

What a card says is its text; the text follows from the record; the record follows from sealed steps and from per-example
tables, both named by digest. Each of these joints is checked, and what is not here is said, never passed over.
Not covered: whether a step was run as its seal says (that would be running it again); seconds, memory and prices, which
were measured once and are compared with the seal alone.
"""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from components.core import Approval, Evidence, Frozen, Store, short

from .figures import gates
from .front_matter import front_matter
from .page import page
from .pdf import pdf
from .recompute import Finding, Tables, counted_again, measured_again
from .record import Record, read_record, template_version
from .rescore import asked_again, checked_again, scored_again
from .write import beside, card_name, markdown

LINES = 5
"""Differing lines of a text that are named; the rest is counted."""


class Standing(Frozen):
    """What the registry knows now of the version that a card is about; None: it is not registered here."""

    candidate: str
    evidence: str
    approval: Approval | None = None


class Verified(Frozen):
    """What the verification found. `checks`: what was looked at, in words."""

    checks: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> list[Finding]:
        """What does not hold."""
        return [finding for finding in self.findings if not finding.missing]

    @property
    def unverified(self) -> list[Finding]:
        """What could not be looked at."""
        return [finding for finding in self.findings if finding.missing]


def verify(card: Path, store: Store, standing: Standing | None = None) -> Verified:
    """Verify the card at `card` (`v1.md`) against its record, the store and the registry.

    standing: of the registered version; None where there is none here
    Raises BadInput when it is no card, or its record is gone.
    """
    record = read_record(card)
    tables = Tables(record, store)
    parts = {
        "the text, rendered again": _rendered(card, record),
        "the record's own digests": _digests(record),
        "sealed steps": _seals(record, store),
        "objects of the candidate": _objects(tables),
        "metrics, intervals, gains and slices from the tables": measured_again(tables),
        "row counts of the splits": counted_again(tables),
        "safety checks from their items": checked_again(tables),
        "benchmarks and bias from their items": scored_again(tables),
        "the use case asked otherwise": asked_again(tables),
        "provenance": _provenance(tables),
        "registry and approval": _standing(record, standing),
    }
    findings = [finding for part in parts.values() for finding in part]
    return Verified(checks=tuple(parts), findings=tuple(dict.fromkeys(findings)))


def _rendered(card: Path, record: Record) -> Iterator[Finding]:
    if card.stem != card_name(record):
        yield Finding(where=card.name, what=f"its record is that of {card_name(record)}.md")
    if record.template != template_version():
        what = f"written by template {record.template or 'unknown'}, here is {template_version()}"
        yield Finding(where="template", what=f"{what}: `ninefold card render` writes it anew from its record")
        return
    body = markdown(record)
    yield from _compared(card, f"---\n{front_matter(record)}\n---\n{body}")
    html = card.with_suffix(".html")
    if html.is_file():
        yield from _compared(html, page(record, body))
    else:
        yield Finding(where=html.name, what="the page is not here", missing=True)
    paper = card.with_suffix(".pdf")
    if paper.is_file() and paper.read_bytes() != pdf(record, body):
        yield Finding(where=paper.name, what="is not what its record prints")
    for name, content in beside(record).items():
        if (card.parent / name).is_file():
            yield from _compared(card.parent / name, content)
        else:
            yield Finding(where=name, what="is not here", missing=True)


def _compared(path: Path, wanted: str) -> Iterator[Finding]:
    there, due = path.read_text(encoding="utf-8").splitlines(), wanted.splitlines()
    matcher = SequenceMatcher(a=there, b=due, autojunk=False)
    changes = [one for one in matcher.get_opcodes() if one[0] != "equal"] if there != due else []
    for _, start, end, first, last in changes[:LINES]:
        said, rendered = " / ".join(there[start:end]), " / ".join(due[first:last])
        what = f"says {_cut(said, rendered)}, the record gives {_cut(rendered, said)}"
        yield Finding(where=f"{path.name}, line {start + 1}", what=what)
    if len(changes) > LINES:
        yield Finding(where=path.name, what=f"{len(changes) - LINES} more places differ")


def _cut(text: str, other: str, around: int = 40) -> str:
    """The part of `text` in which it differs from `other`, with some words before it."""
    at = next((i for i, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), min(len(text), len(other)))
    start = max(0, at - around)
    return repr(("…" if start else "") + text[start : at + around]) if text else "nothing"


def _digests(record: Record) -> Iterator[Finding]:
    """The candidate, its evaluation and the approval speak of one and the same thing."""
    evaluated, digest = record.evaluated, record.candidate.digest
    evidence = evaluated.get("evidence") or {}
    for where, named in (("evaluation", evaluated.get("candidate")), ("evidence", evidence.get("candidate"))):
        if evaluated and named != digest:
            yield Finding(where=where, what=f"is about candidate {short(str(named))}, the card about {short(digest)}")
    if record.status == "final" and not record.model:
        yield Finding(where="status", what="final, but no version is registered")
    if record.decision.adopted:
        for gate in gates(record):
            if gate.holds is False:
                yield Finding(where=f"gate {gate.name}", what="does not hold, and the decision says adopt")
    if record.approval and record.approval["candidate"] != digest:
        what = f"covers candidate {short(record.approval['candidate'])}, the card is about {short(digest)}"
        yield Finding(where="approval", what=what)


def _seals(record: Record, store: Store) -> Iterator[Finding]:
    for step, result in record.results.items():
        key = record.keys.get(step)
        if not key:
            yield Finding(where=f"step {step}", what="the record names no key: nothing to compare it with", missing=True)
        elif not (store.root / "steps" / f"{key}.json").is_file():
            yield Finding(where=f"step {step}", what=f"seal {short(key)} is not in {store.root}", missing=True)
        else:
            yield from _sealed(record, step, key, result, store)
    if record.results and record.evaluated not in record.results.values():
        yield Finding(where="evaluation", what="what the card shows is the result of none of its steps")


def _sealed(record: Record, step: str, key: str, result: dict[str, Any], store: Store) -> Iterator[Finding]:
    seal = store.sealed(key)
    if seal is None:
        yield Finding(where=f"step {step}", what=f"seal {short(key)} names an object that is gone", missing=True)
        return
    for name in sorted(result.keys() | seal.result.keys()):
        if result.get(name) != seal.result.get(name):
            yield Finding(where=f"step {step}", what=f"'{name}' is not what seal {short(key)} holds")
    if record.measured.get(step, {}) != seal.measured:
        yield Finding(where=f"step {step}", what=f"what was timed is not what seal {short(key)} holds")


def _objects(tables: Tables) -> Iterator[Finding]:
    record = tables.record
    for digest in record.candidate.objects:
        found = [*tables.unusable(digest, "candidate")]
        yield from found
        if not found and digest in record.files and record.files[digest] != tables.store.manifest(digest):
            yield Finding(where="candidate", what=f"the record names other files in object {short(digest)} than there are")


def _provenance(tables: Tables) -> Iterator[Finding]:
    dataset = (tables.record.results.get("data") or {}).get("dataset")
    if not dataset:
        return
    found = [*tables.unusable(dataset["provenance"], "provenance")]
    yield from found
    if not found:
        there = json.loads(tables.store.file(dataset["provenance"]).read_text())
        if there != tables.record.provenance:
            yield Finding(where="provenance", what=f"is not what object {short(dataset['provenance'])} holds")


def _standing(record: Record, standing: Standing | None) -> Iterator[Finding]:
    if not record.model:
        return
    name = f"{record.model['name']} version {record.model['version']}"
    if standing is None:
        yield Finding(where="registry", what=f"{name} is not registered in this workspace", missing=True)
        return
    if standing.candidate != record.candidate.digest:
        what = f"{name} holds candidate {short(standing.candidate)}, the card is about {short(record.candidate.digest)}"
        yield Finding(where="registry", what=what)
    evidence = record.evaluated.get("evidence")
    if evidence and (measured := Evidence.model_validate(evidence).digest) != standing.evidence:
        what = f"{name} rests on evidence {short(standing.evidence)}, the card on {short(measured)}"
        yield Finding(where="registry", what=what)
    approved = record.approval or None
    now = standing.approval.model_dump(mode="json") if standing.approval else None
    if approved and (now is None or now["candidate"] != approved["candidate"] or now["evidence"] != approved["evidence"]):
        yield Finding(where="approval", what=f"by {approved['by']} no longer stands")
    if approved and approved["evidence"] != standing.evidence:
        yield Finding(where="approval", what=f"rests on evidence {short(approved['evidence'])}, which is not the version's")
