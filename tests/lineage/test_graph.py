"""From a tuned release back to the rows that its weights were made from."""

import ast
import json
from typing import Any

import pytest

from components.core import (
    STAGES,
    Adapter,
    Baseline,
    Candidate,
    Checkpoint,
    Derivation,
    Evidence,
    MachineFault,
    Metric,
    Retriever,
    Runtime,
    Seal,
    Workspace,
    canonical,
)
from components.core.code import ROOT
from components.core.store import inputs_of
from components.lineage import Graph, Subject, erase, graph, touched, trace, why
from components.lineage.graph import DOCUMENTS, READS

from .small import ADA, ROWS, filled, put, seal, tuned


def released(home: Any) -> tuple[Workspace, Candidate, dict[str, Any]]:
    """The small workspace with a release of its tuned Candidate."""
    workspace = filled(home)
    made = {one.key[0]: one for one in workspace.store.seals()}
    base = made["c"].result["object"]
    candidate = Candidate.model_validate(made["e"].result["candidate"])
    dataset = made["d"].result["dataset"]
    table = put(workspace, "table", examples_jsonl=[{"id": ROWS["test"][0]["id"], "answer": "unknown"}])
    test = dataset["splits"]["test"]["object"]
    evidence = Evidence(
        candidate=candidate.digest, split="test", split_object=test, table=table, metrics={"f1": Metric(value=0.5, n=1)}
    )
    given = {"candidate": candidate, "dataset": dataset}
    seal(workspace, "g", "components.evaluation.evaluate", {"evidence": evidence, "candidate": candidate.digest}, **given)
    release = {"release": {"model_name": "desk", "version": 1, "candidate": candidate}}
    seal(workspace, "f", "components.deployment.deploy", release, evidence=evidence, **given)
    assert candidate == tuned(base, candidate.adapter.object if candidate.adapter else "")
    return workspace, candidate, {"model": "desk", "version": 1, "candidate": candidate.digest, "evidence": evidence.digest}


def drawn(workspace: Workspace, candidate: Candidate | None, release: dict[str, Any]) -> Graph:
    approved = {"event": "approve", "by": "ada", "reason": "figures hold", "at": "2026-01-01"}
    return graph(workspace.store, release, candidate, [approved], None)


def test_an_adapter_leads_back_to_the_rows_that_it_was_taught_on(tmp_path):
    workspace, candidate, release = released(tmp_path)
    whole = drawn(workspace, candidate, release)
    adapter = f"dataset:{candidate.adapter.object}"
    (job,) = {edge.source for edge in whole.before(adapter)}
    read = {node.name for node in whole.nodes for edge in whole.before(job) if edge.source == node.id}
    assert read == {"train", "base"}, "tuning reads no test rows"
    assert {"job", "dataset", "candidate", "prompt", "evidence", "version", "approval"} == {n.kind for n in whole.nodes}


def test_an_answer_names_prompt_weights_rows_figures_and_approver(tmp_path):
    workspace, candidate, release = released(tmp_path)
    answered = {
        "id": "1",
        "input": "tea?",
        "answer": "yes",
        "candidate": candidate.digest,
        "passages": [],
        "scores": [],
        "seen": [],
    }
    found = why(answered, candidate, workspace.store, workspace.store, drawn(workspace, candidate, release))
    assert found["prompt"]["digest"] == candidate.prompt.digest
    assert (found["model"]["name"], found["adapter"]["objective"]) == ("base", "sft")
    assert [(one["rows"], one["count"], one["origins"]) for one in found["training"]] == [("train", 1, {"synthetic": 1})]
    assert found["evaluation"][0]["f1"] == 0.5
    assert [one["by"] for one in found["approval"]] == ["ada"]


def test_an_aligned_adapter_leads_back_to_its_preference_pairs(tmp_path):
    workspace, candidate, release = released(tmp_path)
    lines = [{"id": "x", "text": "tea?", "origin": "programmatic"}]
    pairs = {"name": "pairs", "object": put(workspace, "pairs", pairs_jsonl=lines), "count": 1}
    seal(workspace, "p", "components.feedback.collect", {"pairs": pairs})
    adapter = Adapter(
        object=put(workspace, "dpo", adapter_safetensors="weights that were aligned"), technique="lora", objective="dpo"
    )
    aligned = candidate.model_copy(update={"adapter": adapter})
    seal(workspace, "q", "components.tuning.align", {"candidate": aligned}, candidate=candidate, pairs=pairs)
    deployed = {"release": {"model_name": "desk", "version": 2, "candidate": aligned}}
    seal(workspace, "r", "components.deployment.deploy", deployed, candidate=aligned)
    release |= {"version": 2, "candidate": aligned.digest}
    answered = {"candidate": aligned.digest, "passages": [], "scores": [], "seen": []}
    found = why(answered, aligned, workspace.store, workspace.store, drawn(workspace, aligned, release))
    taught = {one["rows"]: one["origins"] for one in found["training"]}
    assert taught == {"pairs": {"programmatic": 1}, "train": {"synthetic": 1}}


def test_converted_weights_lead_back_to_the_rows_and_chosen_ones_to_none(tmp_path):
    workspace, candidate, release = released(tmp_path)
    onnx = Checkpoint(name="base", object=put(workspace, "int4", model_onnx="int4"), licence="mit", origin="hub:base@1")
    converted = candidate.model_copy(update={"adapter": None, "model": onnx})
    dataset = next(seal.result["dataset"] for seal in workspace.store.seals() if seal.name == "components.data.prepare")
    given = {"candidate": candidate, "dataset": dataset}
    seal(workspace, "q", "components.optimization.optimize", {"candidate": converted}, **given)
    untuned = candidate.model_copy(update={"adapter": None})
    for number, (one, rows) in enumerate(((converted, ["train"]), (untuned, [])), 2):
        deployed = {"release": {"model_name": "desk", "version": number, "candidate": one}}
        seal(workspace, f"{number}", "components.deployment.deploy", deployed, candidate=one)
        whole = drawn(workspace, one, release | {"version": number, "candidate": one.digest})
        answered = {"candidate": one.digest, "passages": [], "scores": [], "seen": []}
        found = why(answered, one, workspace.store, workspace.store, whole)
        assert [line["rows"] for line in found["training"]] == rows


def test_a_row_is_followed_into_the_prompt_that_shows_it(tmp_path):
    workspace, _, _ = released(tmp_path)
    found = trace(workspace.store, ROWS["train"][0]["id"])
    assert {"train", "few-shot examples (1)"} <= {place["what"] for place in found["places"]}
    assert found["split"] == "train"


@pytest.mark.parametrize("trained", [True, False])
def test_an_answer_names_the_rows_that_its_embedder_was_tuned_on(tmp_path, trained):
    workspace = filled(tmp_path)
    dataset = next(seal.result["dataset"] for seal in workspace.store.seals() if seal.name == "components.data.prepare")
    base, better = (put(workspace, name, model_safetensors=name) for name in ("embedder", "tuned embedder"))
    embedder = Checkpoint(name="minilm", object=base, licence="mit", origin="here")
    if trained:
        step = Derivation(technique="full", checkpoint=embedder, trained=True)
        embedder = embedder.model_copy(update={"object": better, "derived_from": step})
    index, knowledge = put(workspace, "index", vectors_npy="vectors"), put(workspace, "base", passages_jsonl=[])
    searched = Candidate(
        task="question_answering",
        runtime=Runtime(engine="baseline"),
        baseline=Baseline(kind="best_sentence"),
        retriever=Retriever(scoring="vector", store="numpy", knowledge=knowledge, index=index, embedder=embedder),
    )
    seal(workspace, "r", "components.retrieval.retrieve", {"candidate": searched, "objects": [index]}, dataset=dataset)
    deployed = {"release": {"model_name": "desk", "version": 1, "candidate": searched}}
    seal(workspace, "f", "components.deployment.deploy", deployed, candidate=searched)
    release = {"model": "desk", "version": 1, "candidate": searched.digest, "evidence": "none"}
    answered = {"candidate": searched.digest, "passages": [], "scores": [], "seen": []}
    found = why(answered, searched, workspace.store, workspace.store, drawn(workspace, searched, release))
    assert [one["rows"] for one in found["training"]] == (["train"] if trained else [])


def test_a_row_with_a_short_text_is_followed_by_its_id(tmp_path):
    workspace = filled(tmp_path, {"train": [{"id": "c" * 16, "text": "ok", "answer": "yes"}], "test": ROWS["test"]})
    found = trace(workspace.store, "c" * 16)
    assert [place["what"] for place in found["places"]] == ["train"], "every other text holds an 'ok'"


def splits_named(stage: str) -> set[str]:
    """The splits that the source of a stage names: `dataset.<split>`, or the name of one of `dataset.splits` as a text."""
    found = set()
    trains = {"training"} if stage in ("tuning", "optimization") else set()
    for path in (path for folder in {stage} | trains for path in (ROOT / "components" / folder).rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        literal = [node for node in nodes if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal"]
        allowed = {id(one) for node in literal for one in ast.walk(node)}  # what a setting may be is not what is read
        for node in (node for node in nodes if id(node) not in allowed):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "dataset":
                found |= {node.attr} & {
                    "knowledge",
                    "training_knowledge",
                    "practice",
                    "practice_passages",
                    "made",
                    *DOCUMENTS,
                }
            elif isinstance(node, ast.Constant):
                found |= {node.value} & {"train", "feedback", "validation", "test"}
    # `training_knowledge or knowledge`: where there is a base there are both, and only retrieval embeds the whole one
    return found - {"knowledge"} if "training_knowledge" in found and stage != "retrieval" else found


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ("data", "use_case")])
def test_the_graph_knows_what_each_stage_reads(stage):
    assert splits_named(stage) == set(READS[stage])


def test_a_withdrawn_version_is_still_drawn_by_its_digests(tmp_path):
    workspace, _, release = released(tmp_path)
    erase(workspace, Subject.of(ADA), touched(workspace, Subject.of(ADA)))
    whole = drawn(workspace, None, release | {"withdrawn": True})
    assert {"version", "approval"} <= {node.kind for node in whole.nodes}
    with pytest.raises(MachineFault, match="no sealed step"):
        drawn(workspace, None, release)


@pytest.mark.parametrize("recorded", [True, False], ids=["as sealed", "of an earlier seal"])
def test_choosing_the_finalist_reads_no_test_rows(tmp_path, recorded):
    workspace, candidate, release = released(tmp_path)
    dataset = next(seal.result["dataset"] for seal in workspace.store.seals() if seal.name == "components.data.prepare")
    chosen = candidate.model_copy(update={"abstain": "unknown"})
    read = {"read": (dataset["splits"]["train"]["object"],)} if recorded else {}
    given = inputs_of({"candidate": candidate, "dataset": dataset})
    result = json.loads(canonical({"candidate": chosen}))
    workspace.store.seal(Seal(key="q" * 64, name="components.evaluation.finalist", result=result, inputs=given, **read))
    deployed = {"release": {"model_name": "desk", "version": 2, "candidate": chosen}}
    seal(workspace, "2", "components.deployment.deploy", deployed, candidate=chosen)
    whole = drawn(workspace, chosen, release | {"version": 2, "candidate": chosen.digest})
    names = {node.id: node.name for node in whole.nodes}
    of = {names[edge.source] for edge in whole.before(f"job:{'q' * 64}")}
    assert "test" not in of
    assert ("train" in of) == recorded, "what the seal says was read, and nothing that was only handed over"
    found = trace(workspace.store, ROWS["test"][0]["id"])
    assert found["read_by"] == ["deployment", "evaluation"], "not selection and others that never ran here"
