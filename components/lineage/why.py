"""Why an answer was given: from the logged answer back to passages, prompt, weights, training data, figures and approver."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from components.core import Candidate, Passage, Store, read_jsonl

from .graph import Graph, Node
from .search import TAUGHT_BY


def why(
    answered: Mapping[str, Any], candidate: Candidate | None, bundle: Store, store: Store, whole: Graph
) -> dict[str, object]:
    """Everything that one served answer stands on, with digests.

    answered: the line of the traffic log. candidate: what answered, None where its bundle is gone; bundle: the store with
    its objects. whole: the graph of its version.
    """
    sources = {node.name: node.facts for node in whole.nodes if node.kind == "source"}
    data = next((node.facts for node in whole.nodes if node.kind == "job" and node.name == "data"), {})
    given = {"id", "at", "model", "model_version", "input", "answer", "seconds"}
    return {
        "answer": {name: value for name, value in answered.items() if name in given},
        "candidate": answered["candidate"],
        "passages": _passages(answered, candidate, bundle, sources),
        **_parts(candidate),
        "training": _training(candidate, whole, store),
        "data": {"sources": list(sources.values()), **{name: data.get(name) for name in ("dropped", "touched_by", "bias")}},
        "evaluation": [node.facts for node in whole.nodes if node.kind == "evidence"],
        "decided": [
            {"stage": node.name, "verdict": node.facts.get("verdict"), "reason": node.facts.get("reason")}
            for node in whole.nodes
            if node.kind == "job" and node.facts.get("verdict")
        ],
        "release": next((node.facts for node in whole.nodes if node.kind == "version"), {}),
        "approval": [node.facts for node in whole.nodes if node.kind == "approval"],
    }


def _passages(
    answered: Mapping[str, Any],
    candidate: Candidate | None,
    bundle: Store,
    sources: Mapping[str, Mapping[str, object]],
) -> list[dict[str, object]]:
    """What was retrieved, best first, with source and licence; `seen`: whether it was put before the model."""
    known: dict[str, Passage] = {}
    if candidate and candidate.retriever and bundle.has(candidate.retriever.knowledge):
        lines = read_jsonl(bundle.file(candidate.retriever.knowledge))
        known = {line["id"]: Passage.model_validate(line) for line in lines if line["id"] in answered["passages"]}
    seen = {one["id"]: one["text"] for one in answered["seen"]}
    passages: list[dict[str, object]] = []
    for id, score in zip(answered["passages"], answered["scores"], strict=True):
        passage = known.get(id)
        source = passage.source if passage else None
        facts = sources.get(source or "", {})
        passages.append(
            {
                "id": id,
                "score": score,
                "text": seen.get(id) or (passage.text if passage else None),
                "seen": id in seen,
                "source": source,
                "licence": facts.get("licence"),
                "origin": facts.get("origin"),
            }
        )
    return passages


def _parts(candidate: Candidate | None) -> dict[str, object]:
    if candidate is None:
        return {"prompt": None, "model": None, "adapter": None, "retriever": None}
    prompt, retriever = candidate.prompt, candidate.retriever
    return {
        "prompt": {"digest": prompt.digest, **prompt.model_dump(mode="json")} if prompt else None,
        "model": (candidate.model or candidate.baseline).model_dump(mode="json"),  # type: ignore[union-attr]
        "adapter": candidate.adapter.model_dump(mode="json") if candidate.adapter else None,
        "retriever": retriever.model_dump(mode="json", exclude={"embedder"}) if retriever else None,
    }


def _origins(digest: str, store: Store) -> dict[str, int]:
    """Origin → rows; empty for passages, and for what was forgotten."""
    lines = read_jsonl(store.file(digest)) if store.has(digest) else []
    return dict(sorted(Counter(line["origin"] for line in lines if "origin" in line).items()))


def _taught_the_embedder(candidate: Candidate | None, whole: Graph, nodes: Mapping[str, Node]) -> dict[str, Node]:
    """What the stage read that tuned the retriever's embedder; one that came as it is was taught by none of it."""
    embedder = candidate.retriever.embedder if candidate and candidate.retriever else None
    if embedder is None or not embedder.trained:
        return {}
    jobs = [edge.source for edge in whole.before(f"dataset:{embedder.object}")]
    read = [nodes[edge.source] for job in jobs for edge in whole.before(job)]
    return {node.id: node for node in read if node.name in TAUGHT_BY}


def _training(candidate: Candidate | None, whole: Graph, store: Store) -> list[dict[str, object]]:
    """What the weights were made from, at any remove: the rows that tuning was taught by, and those of an embedder that was
    tuned; and how many of them were collected, synthetic or programmatic. Other stages choose or convert weights: the rows
    that they read taught nothing."""
    nodes = {node.id: node for node in whole.nodes}
    left = [f"dataset:{one.object}" for one in (candidate.adapter, candidate.model) if one] if candidate else []
    seen, taught = set(left), _taught_the_embedder(candidate, whole, nodes)
    while left:
        for job in [edge.source for edge in whole.before(left.pop())]:
            for node in [nodes[edge.source] for edge in whole.before(job)]:
                if node.name in TAUGHT_BY and nodes[job].name.startswith("tuning."):
                    taught[node.id] = node
                elif node.kind == "dataset" and node.id not in seen and not node.facts.get("count"):
                    seen.add(node.id)
                    left.append(node.id)
    return [
        {name: node.facts[name] for name in ("digest", "count")}
        | {"rows": node.name, "origins": _origins(node.facts["digest"], store)}
        for node in taught.values()
    ]
