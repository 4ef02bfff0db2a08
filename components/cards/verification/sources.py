"""Checks a card's record against its sources: step manifests and what went into the steps, stored objects, and what the
registry keeps of the version. A record that was edited in any place differs from one of these.
"""

import json
from collections.abc import Iterator, Mapping

from components.core import Approval, Evidence, Frozen, Seal, Store, digest_of, short
from components.core.together import STAGE as TOGETHER

from ..gates import gates, open_bounds
from ..record import Record, record_digest
from .finding import Finding
from .tables import Tables

REFERENCES = "references"
"""Input of an evaluation that may come from elsewhere: the champion of today was made by an earlier run."""


class Standing(Frozen):
    """What the registry knows now of the version that a card is about."""

    candidate: str
    evidence: str
    config: str = ""
    """Digest of the contract and of what the profile sets for the stages; empty: registered before it was kept."""
    record: str = ""
    """`record_digest` of its card as the run wrote it; empty: registered before it was kept."""
    approval: Approval | None = None


def agrees(record: Record) -> Iterator[Finding]:
    """The candidate, its evaluation, the decision and the approval speak of one and the same thing."""
    evaluated, digest = record.evaluated, record.candidate.digest
    evidence = evaluated.get("evidence") or {}
    for where, named in (("evaluation", evaluated.get("candidate")), ("evidence", evidence.get("candidate"))):
        if evaluated and named != digest:
            yield Finding(where=where, what=f"is about candidate {short(str(named))}, the card about {short(digest)}")
    if record.results and record.evaluated not in record.results.values():
        yield Finding(where="evaluation", what="what the card shows is the result of none of its steps")
    decided = evaluated.get("decision")
    if decided and decided != record.decision.model_dump(mode="json"):
        yield Finding(where="decision", what=f"is not that of the evaluation, which says: {decided['reason']}")
    if record.decision.adopted:
        for gate in gates(record):
            if gate.verdict == "broken":
                yield Finding(where=f"gate {gate.name}", what="is broken, and the decision says adopt")
        if (record.use_case.get("policy") or {}).get("not_shown") == "refuse":
            for line in open_bounds(record):
                yield Finding(where="policy.not_shown: refuse", what=f"the decision says adopt, and {line}")
    if record.approval and record.approval["candidate"] != digest:
        what = f"covers candidate {short(record.approval['candidate'])}, the card is about {short(digest)}"
        yield Finding(where="approval", what=what)
    yield from _released(record)


def _released(record: Record) -> Iterator[Finding]:
    """What the card says of version and approval is what the deployment did."""
    if record.status == "final" and not record.model:
        yield Finding(where="status", what="final, but no version is registered")
    release = (record.results.get("deployment") or {}).get("release")
    if record.model and not release:
        yield Finding(where="deployment", what="a version is named, and no step that released it")
    if not release:
        return
    if record.status != "final":
        yield Finding(where="status", what=f"{record.status}, and step deployment released a version")
    version = {"name": release["model_name"], "version": release["version"], "alias": release["alias"]}
    if record.model != version:
        yield Finding(where="version", what=f"is not what step deployment released: {version['name']} {version['version']}")
    if record.approval != release["approval"]:
        given = f"one by {release['approval']['by']}" if release["approval"] else "none"
        yield Finding(where="approval", what=f"is not what step deployment was given: {given}")


def seals(record: Record, store: Store) -> Iterator[Finding]:
    """Each step is what its seal holds, and was given what the record says."""
    for step, result in record.results.items():
        key = record.keys.get(step)
        if not key:
            yield Finding(where=f"step {step}", what="the record names no key: nothing to compare it with", missing=True)
        elif not _sealed(store, key):
            yield Finding(where=f"step {step}", what=f"seal {short(key)} is not in {store.root}", missing=True)
        elif seal := store.sealed(key):
            yield from _held(record, step, result, seal)
            yield from _given(record, step, seal)
        else:
            yield Finding(where=f"step {step}", what=f"seal {short(key)} names an object that is gone", missing=True)


def _held(record: Record, step: str, result: Mapping[str, object], seal: Seal) -> Iterator[Finding]:
    for name in sorted(result.keys() | seal.result.keys()):
        if result.get(name) != seal.result.get(name):
            yield Finding(where=f"step {step}", what=f"'{name}' is not what seal {short(seal.key)} holds")
    if record.measured.get(step, {}) != seal.measured:
        yield Finding(where=f"step {step}", what=f"what was timed is not what seal {short(seal.key)} holds")


def _given(record: Record, step: str, seal: Seal) -> Iterator[Finding]:
    """The contract and the settings are what went into the step; a seal names each input by its digest, first of all."""
    stated: dict[str, tuple[str, object]] = {}
    if not step.startswith(f"{TOGETHER}."):  # the data step of another use case has that one's contract
        stated = {name: (f"contract, {name}", part) for name, part in record.use_case.items()}
    stated |= {"contract": ("contract", record.use_case), "config": (f"settings of {step}", record.settings.get(step))}
    for name, (where, value) in stated.items():
        if (given := seal.inputs.get(name)) and digest_of(value) != given[0]:
            yield Finding(where=where, what=f"is not what step {step} was given (seal {short(seal.key)})")


def joined(record: Record, store: Store) -> Iterator[Finding]:
    """Whatever a step of the record was given was made by another step of the record: none between them was left out."""
    for step in record.keys.keys() - record.results.keys():
        yield Finding(where=f"step {step}", what="the record keeps its key, and not what it decided")
    own = [seal for key in record.keys.values() if _sealed(store, key) and (seal := store.sealed(key))]
    outputs = {digest for seal in own for digest in seal.made}
    given = {digest for seal in own for name, named in seal.inputs.items() if name != REFERENCES for digest in named}
    for seal in store.seals() if given else ():
        lost = sorted(seal.made & given - outputs)
        if lost:
            what = f"made object {short(lost[0])}, which a step of the record was given, and the record leaves it out"
            yield Finding(where=f"step {seal.name.removeprefix('components.')} (seal {short(seal.key)})", what=what)


def _sealed(store: Store, key: str) -> bool:
    return (store.root / "steps" / f"{key}.json").is_file()


def objects(tables: Tables) -> Iterator[Finding]:
    """The candidate's objects are here, and hold the files that the record names."""
    record = tables.record
    for digest in record.candidate.objects:
        unusable = [*tables.unusable(digest, "candidate")]
        yield from unusable
        if not unusable and digest in record.files and record.files[digest] != tables.store.manifest(digest):
            yield Finding(where="candidate", what=f"the record names other files in object {short(digest)} than there are")


def provenance(tables: Tables) -> Iterator[Finding]:
    """The provenance is what the dataset's object holds."""
    dataset = (tables.record.results.get("data") or {}).get("dataset")
    if not dataset:
        return
    unusable = [*tables.unusable(dataset["provenance"], "provenance")]
    yield from unusable
    if not unusable:
        there = json.loads(tables.store.file(dataset["provenance"]).read_text())
        if there != tables.record.provenance:
            yield Finding(where="provenance", what=f"is not what object {short(dataset['provenance'])} holds")


def registered(record: Record, standing: Standing | None) -> Iterator[Finding]:
    """The version, what it was decided with, the whole record and the approval are what the registry keeps."""
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
    if standing.config and record.profile_settings and record.decided_with != standing.config:
        yield Finding(where="contract", what=f"it, or the profile, is not what {name} was decided with")
    if not standing.record:
        yield Finding(where="record", what=f"{name} was registered without the digest of its card's record", missing=True)
    elif record_digest(record) != standing.record:
        yield Finding(where="record", what=f"was changed since the run wrote it: {name} was registered with another one")
    yield from _approved(record, standing)


def _approved(record: Record, standing: Standing) -> Iterator[Finding]:
    """What the card says of an approval still stands; one by policy comes before the card, which must name it. People
    approve the card that they read, which cannot name them."""
    stated = Approval.model_validate(record.approval) if record.approval else None
    now = standing.approval
    if now and now.policy and not stated:
        yield Finding(where="approval", what=f"{now.by} approved the version before the card was written, which names none")
    if not stated:
        return
    if now is None or (now.candidate, now.evidence) != (stated.candidate, stated.evidence):
        yield Finding(where="approval", what=f"by {stated.by} no longer stands")
    elif now.by == stated.by and now != stated:
        yield Finding(where="approval", what=f"by {stated.by} is not the one on record")
    if stated.evidence != standing.evidence:
        yield Finding(where="approval", what=f"rests on evidence {short(stated.evidence)}, which is not the version's")
