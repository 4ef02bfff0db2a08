"""Optimization on the two-layer model: variants are built, measured on validation, and only a good one is picked."""

import shutil

from components.application import constant, load
from components.core import Candidate, Dataset, Limits, Metrics, Step, Task, Workspace
from components.optimization import Config, optimize
from components.optimization.builder import build


def test_a_plain_baseline_is_kept(step: Step, task: Task, metrics: Metrics, limits: Limits, dataset: Dataset) -> None:
    plain = constant(task, "unknown")
    found = optimize(Config(), task=task, metrics=metrics, limits=limits, candidate=plain, dataset=dataset, step=step)
    assert found.candidate == plain
    assert found.decision.verdict == "keep"
    assert "no model to quantise" in found.decision.reason


def test_variants_are_measured_beside_the_reference(
    step: Step, task: Task, metrics: Metrics, limits: Limits, candidate: Candidate, dataset: Dataset
) -> None:
    config = Config(requests=3, recovery=0)
    found = optimize(config, task=task, metrics=metrics, limits=limits, candidate=candidate, dataset=dataset, step=step)
    assert [row["variant"] for row in found.variants] == ["torch bfloat16", "int8", "int4"]
    assert {row["engine"] for row in found.variants[1:]} == {"onnx"}
    assert set(step.measured["variants"]) == {"torch bfloat16", "int8", "int4"}
    assert all(timing["p50"] > 0 for timing in step.measured["variants"].values())
    assert all(step.store.has(digest) for digest in found.objects)
    with load(found.candidate, step.store, step.machine) as application:
        answers = application.answer(dataset.rows("validation", step.store))
    assert all(len(answer.passages) >= 1 for answer in answers)
    again = optimize(config, task=task, metrics=metrics, limits=limits, candidate=candidate, dataset=dataset, step=step)
    assert again == found


def test_a_variant_over_the_latency_limit_is_not_picked(
    step: Step, task: Task, limits: Limits, candidate: Candidate, dataset: Dataset
) -> None:
    metrics = Metrics(primary="f1", at_least=0.0)
    strict = limits.model_copy(update={"latency_p95_seconds": 1e-9})
    found = optimize(
        Config(requests=2, recovery=0, variants=("int8",)),
        task=task,
        metrics=metrics,
        limits=strict,
        candidate=candidate,
        dataset=dataset,
        step=step,
    )
    assert found.candidate == candidate
    assert found.decision.verdict == "keep"
    assert "latency_p95_seconds" in found.decision.reason


def test_building_twice_gives_equal_bytes(step: Step, candidate: Candidate, workspace: Workspace) -> None:
    first = build(candidate, "int4", step)
    files = {file.name: file.read_bytes() for file in step.store.path(first.object).iterdir()}
    shutil.rmtree(workspace.store.root / "steps")
    second = build(candidate, "int4", step)
    assert [file.name for file in step.store.path(second.object).iterdir() if file.read_bytes() != files[file.name]] == []
    assert second == first
