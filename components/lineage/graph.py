"""The graph of a release: source → data step → splits → what each stage made → evidence → version → approval → endpoint.

Edges come from seals (a step's inputs and results are digests) and from the Candidate. A Dataset goes into a step whole; of
its splits those are drawn that the step opened, as its seal records, or where an earlier seal does not, those of `READS`
(what its Candidate searches is the Candidate's). Names follow OpenLineage where they fit: jobs read and write datasets.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from pydantic import ValidationError

from components.core import Candidate, Evidence, Frozen, MachineFault, Seal, Store, digest_of

from .search import object_roles

DOCUMENTS = ("documents", "documents_in_domain", "documents_out_of_domain")
READS: dict[str, tuple[str, ...]] = {
    "selection": ("train", "validation", "knowledge"),
    "prompting": ("train", "validation", "training_knowledge"),
    "retrieval": ("train", "validation", "knowledge", "training_knowledge"),
    "tuning": ("train", "validation", "training_knowledge", "practice", "practice_passages", "made", *DOCUMENTS),
    "feedback": ("feedback", "validation", "test", "training_knowledge"),
    "evaluation": ("train", "feedback", "validation", "test", "training_knowledge", "practice", "practice_passages", "made"),
    "optimization": ("train", "validation", "training_knowledge"),
    "deployment": ("test",),
}
"""Stage → splits that it reads (feedback: the held-out ones to keep their questions out; evaluation: those of training to
find answers that were copied from them); a stage that is not named here reads all. tests/lineage/test_graph.py holds this
against the stages' source."""


READS_OF_STEP: dict[str, tuple[str, ...]] = {"components.evaluation.finalist": ("validation",)}
"""Step → splits that it reads, where they are fewer than its stage's."""


class SourceRead(TypedDict):
    """What a data step's provenance says of one source, as far as lineage tells it."""

    name: str
    licence: str
    origin: str
    sha256: NotRequired[str]
    read: NotRequired[int]
    quarantined: NotRequired[int]
    synthetic: NotRequired[bool]
    quarantine_reasons: NotRequired[dict[str, int]]
    duplicates: NotRequired[dict[str, int]]
    forgotten: NotRequired[int]


class Touch(TypedDict):
    """Who did what to the data."""

    who: str
    did: str


class Provenance(TypedDict, total=False):
    """The provenance object of a data step, as far as lineage tells it."""

    sources: list[SourceRead]
    touched_by: list[Touch]
    bias: object
    lines: str
    """Object with `lines.jsonl`: where each row and passage was read."""
    dropped_rows: str
    """Object with `dropped.jsonl`: what was left out, at which step and why."""


class SplitDump(TypedDict):
    """Dump of a Split."""

    name: str
    object: str
    count: int


class Node(Frozen):
    """`kind`: source, job, dataset (an object of the store), prompt, candidate, evidence, version, approval, endpoint."""

    id: str
    kind: str
    name: str
    facts: dict[str, Any] = {}


class Edge(Frozen):
    """`how`: reads, writes, part of, decided on, approved, served."""

    source: str
    target: str
    how: str


class Graph(Frozen):
    """Nodes and edges, in the order of the lifecycle."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def before(self, node: str) -> list[Edge]:
        """What a node came from."""
        return [edge for edge in self.edges if edge.target == node]


class _Builder:
    def __init__(self, store: Store) -> None:
        self.store, self.roles = store, object_roles(store)
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str, str], Edge] = {}
        self.seals = [seal for seal in store.seals() if seal.name.startswith("components.")]
        self.makers: dict[str, Seal] = {}
        for seal in self.seals:
            for digest in outputs(seal):
                self.makers.setdefault(digest, seal)

    def node(self, kind: str, place: str, name: str, **facts: object) -> str:
        id = f"{kind}:{place}"
        self.nodes.setdefault(id, Node(id=id, kind=kind, name=name, facts={k: v for k, v in facts.items() if v}))
        return id

    def edge(self, source: str, target: str, how: str) -> None:
        self.edges.setdefault((source, target, how), Edge(source=source, target=target, how=how))

    def job(self, seal: Seal) -> str:
        """The node of a step, with everything before it."""
        _, stage, function = seal.name.split(".")
        known = f"job:{seal.key}" in self.nodes
        decision = seal.result.get("decision", {})
        id = self.node(
            "job", seal.key, stage if function in (stage, "prepare") else f"{stage}.{function}",
            verdict=decision.get("verdict"), reason=decision.get("reason"), key=seal.key,
        )  # fmt: skip
        if known:
            return id
        if seal.name == "components.data.prepare":
            self._sources(seal, id)
            return id
        wanted = {digest for given in seal.inputs.values() for digest in given}
        splits = {digest for digest in wanted if self._is_split(digest)}
        for digest in sorted(splits):
            if was_read(seal, digest, self.roles.get(digest, "")):
                self.edge(self.object(digest), id, "reads")
        for digest in sorted(wanted - splits):
            maker = self.makers.get(digest)
            if maker is not None and maker.key != seal.key and maker.name.split(".")[1] != "data":
                target = self.object(digest) if self.store_knows(digest) else self.job(maker)
                self.edge(target, id, "reads")
        return id

    def store_knows(self, digest: str) -> bool:
        return digest in self.roles

    def object(self, digest: str) -> str:
        """The node of an object of the store, and of the step that made it."""
        there = self.store.has(digest)
        tombstone = None if there else self.store.tombstones().get(digest)
        id = self.node(
            "dataset", digest, self.roles.get(digest, "object"), digest=digest, count=self._count(digest),
            forgotten=tombstone.at if tombstone else None,
        )  # fmt: skip
        if maker := self.makers.get(digest):
            job = self.job(maker)
            self.edge(job, id, "writes")
        return id

    def _is_split(self, digest: str) -> bool:
        maker = self.makers.get(digest)
        return maker is not None and maker.name.startswith("components.data.") and self._count(digest) is not None

    def _count(self, digest: str) -> int | None:
        maker = self.makers.get(digest)
        for split in _splits(maker) if maker else ():
            if split["object"] == digest:
                return split["count"]
        return None

    def _sources(self, seal: Seal, job: str) -> None:
        known = provenance(self.store, seal)
        for source in known.get("sources", ()):
            facts = {name: source.get(name) for name in ("licence", "origin", "sha256", "read", "quarantined", "synthetic")}
            dropped = {**source.get("quarantine_reasons", {}), **source.get("duplicates", {})}
            dropped |= {"forgotten": source["forgotten"]} if source.get("forgotten") else {}
            self.edge(self.node("source", source["name"], source["name"], **facts, dropped=dropped), job, "reads")
        node = self.nodes[job]
        removed = seal.result.get("figures", {}).get("dropped", {})
        touched = [f"{one['who']}: {one['did']}" for one in known.get("touched_by", ())]
        more = {"dropped": removed, "touched_by": touched, "bias": known.get("bias")}
        self.nodes[job] = node.model_copy(update={"facts": node.facts | {k: v for k, v in more.items() if v}})


def graph(
    store: Store,
    release: Mapping[str, object],
    candidate: Candidate | None,
    approvals: Sequence[Mapping[str, object]],
    endpoint: Mapping[str, object] | None,
) -> Graph:
    """The graph that ends at one registered version.

    release: {"model", "version", "candidate", "evidence", "use_case", "run_id", "card", "aliases", "withdrawn"}
    candidate: None where its bundle is gone (it was forgotten). approvals: lines of the record about this version.
    endpoint: {"url", "up"} where one is kept. Raises MachineFault when no seal knows the version, Damaged
    where something of the store was damaged and not made again since.
    """
    store.whole()
    build = _Builder(store)
    deployed = [seal for seal in build.seals if seal.name == "components.deployment.deploy" and _is(seal, release)]
    version = build.node("version", f"{release['model']}/{release['version']}", f"{release['model']} v{release['version']}")
    node = build.nodes[version]
    build.nodes[version] = node.model_copy(update={"facts": {k: v for k, v in release.items() if v}})
    if not deployed and not release.get("withdrawn"):
        raise MachineFault(f"{release['model']} version {release['version']}: no sealed step released it; run again")
    for seal in deployed[-1:]:
        build.edge(build.job(seal), version, "writes")
    if candidate is not None:
        _parts(build, candidate, version)
    _evidence(build, str(release["evidence"]), version)
    for number, line in enumerate(approvals):
        approval = build.node("approval", f"{version}/{number}", f"{line['event']} by {line['by']}", **line)
        build.edge(version, approval, "approved")
    if endpoint:
        url = str(endpoint["url"])
        build.edge(version, build.node("endpoint", url, url, **endpoint), "served")
    return Graph(nodes=tuple(build.nodes.values()), edges=tuple(build.edges.values()))


def outputs(seal: Seal) -> set[str]:
    """What a step made: objects, Candidates and Evidence, by digest; what it only passed on is not among them."""
    given = {digest for one in seal.inputs.values() for digest in one}
    return (seal.made | {value.digest for value in _values(seal.result)}) - given


def was_read(seal: Seal, digest: str, role: str) -> bool:
    """Whether a step read the split `digest`, called `role`, of the Dataset that it was handed."""
    if seal.read is not None:
        return digest in seal.read
    splits = READS_OF_STEP.get(seal.name) or READS.get(seal.name.split(".")[1])
    return splits is None or role in splits


def provenance(store: Store, seal: Seal) -> Provenance:
    """The provenance object of a data step; empty where it is gone."""
    digest = seal.result["dataset"]["provenance"]
    if not store.has(digest):
        return {}
    content: Provenance = json.loads(store.file(digest).read_text())
    return content


def _is(seal: Seal, release: Mapping[str, object]) -> bool:
    deployed = seal.result["release"]
    return bool(
        (deployed["model_name"], deployed["version"]) == (release["model"], release["version"])
        and digest_of(deployed["candidate"]) == release["candidate"]
    )


def _parts(build: _Builder, candidate: Candidate, version: str) -> None:
    """The Candidate with its prompt, weights, retriever and adapter."""
    id = build.node("candidate", candidate.digest, candidate.label, digest=candidate.digest)
    build.edge(id, version, "part of")
    for digest in candidate.objects:
        build.edge(build.object(digest), id, "part of")
    if maker := build.makers.get(candidate.digest):
        build.edge(build.job(maker), id, "writes")
    if prompt := candidate.prompt:
        shots = sum(len(turn.examples) for turn in prompt.turns)
        node = build.node("prompt", prompt.digest, f"prompt {prompt.method}", digest=prompt.digest, examples=shots)
        build.edge(node, id, "part of")
    for checkpoint in (candidate.model, candidate.retriever.embedder if candidate.retriever else None):
        if checkpoint and checkpoint.object:
            old = build.nodes[f"dataset:{checkpoint.object}"]
            facts = {"licence": checkpoint.licence, "origin": checkpoint.origin}
            build.nodes[old.id] = old.model_copy(update={"name": checkpoint.name, "facts": old.facts | facts})


def _evidence(build: _Builder, digest: str, version: str) -> None:
    for seal in build.seals:
        for value in _values(seal.result):
            if isinstance(value, Evidence) and value.digest == digest:
                figures = {name: round(metric.value, 4) for name, metric in value.metrics.items()}
                name = f"evidence on {value.split}"
                id = build.node("evidence", digest, name, digest=digest, table=value.table, **figures)
                build.edge(build.job(seal), id, "writes")
                build.edge(id, version, "decided on")
                return


def _splits(seal: Seal) -> Iterator[SplitDump]:
    shared = [share["dataset"] for share in seal.result.get("shares") or ()]  # of use cases that are tuned together
    for dataset in (seal.result.get("dataset") or {}, *shared):
        yield from dataset.get("splits", {}).values()
        for name in ("knowledge", "training_knowledge", "practice", "practice_passages", "made", *DOCUMENTS):
            if dataset.get(name):
                yield dataset[name]
    if seal.result.get("pairs"):  # of the feedback stage
        yield seal.result["pairs"]
    if pseudo := seal.result.get("pseudo"):  # of tuning
        yield pseudo["rows"]


def _values(value: object) -> Iterator[Candidate | Evidence]:
    """Every Candidate and Evidence inside a result."""
    if isinstance(value, list):
        for one in value:
            yield from _values(one)
    elif isinstance(value, dict):
        kind = Candidate if "runtime" in value else Evidence if "split_object" in value else None
        if kind is None:
            for one in value.values():
                yield from _values(one)
            return
        try:
            yield kind.model_validate(value)
        except ValidationError:  # a value of an older version: it has another digest, and nothing names it
            return
