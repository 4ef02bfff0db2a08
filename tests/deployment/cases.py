"""A real use case, dataset and evidence around the plain Candidate of tests/serving."""

from pathlib import Path

from components.core import (
    Candidate,
    Data,
    Dataset,
    Deployment,
    Evidence,
    Limits,
    Machine,
    Metric,
    Metrics,
    Source,
    Split,
    Splits,
    Step,
    Task,
    UseCase,
    Value,
    Workspace,
    write_jsonl,
)  # fmt: skip
from components.deployment.bundle import export, sign
from components.deployment.targets import Delivery
from tests.serving.bundles import QUESTIONS


def contract(risk: str = "medium", port: int = 8000) -> UseCase:
    """A contract for the model `desk`."""
    return UseCase(
        name="desk_case",
        problem="callers ask",
        owner="tests",
        risk_tier=risk,
        task=Task(kind="question_answering", instruction="Answer.", abstain="unknown"),
        data=Data(
            sources=(Source(name="a", role="examples", path="a.jsonl", licence="mit", origin="tests"),),
            splits=Splits(train=1, validation=1, test=1),
        ),
        metrics=Metrics(primary="f1", at_least=0.1),
        limits=Limits(latency_p95_seconds=5, memory_gb=4, cost_per_1000_answers=10),
        value=Value(answers_per_month=1, saving_per_good_answer=1, machine_hour=1),
        deployment=Deployment(model_name="desk", port=port, targets=("endpoint",)),
    )


def delivery(chosen: Candidate, step: Step, folder: Path) -> Delivery:
    """`chosen` as a bundle in `folder`, for a target."""
    bundle = export(chosen, step.store, folder, [])
    return Delivery(contract(), chosen, bundle, sign(chosen, bundle, []), 0, step)


def step(workspace: Workspace, key: str = "deploy") -> Step:
    """A step that builds in the workspace's scratch."""
    return Step(key, workspace.store.scratch(key), workspace, Machine())


def dataset(workspace: Workspace, folder: Path) -> Dataset:
    """A test split with three questions."""
    path = folder / "rows.jsonl"
    write_jsonl(path, [{"id": f"q{i}", "text": text, "answer": "-"} for i, text in enumerate(QUESTIONS)])
    test = Split(name="test", object=workspace.store.put(path), count=len(QUESTIONS))
    return Dataset(splits={"test": test}, provenance="")


def evidence(workspace: Workspace, folder: Path, candidate: str, answers: list[str]) -> Evidence:
    """Evidence whose table holds `answers` to those questions."""
    path = folder / "examples.jsonl"
    rows = [
        {"id": f"q{i}", "text": text, "answer": answer, "passages": [], "scores": []}
        for i, (text, answer) in enumerate(zip(QUESTIONS, answers, strict=True))
    ]
    write_jsonl(path, rows)
    table = workspace.store.put(path)
    return Evidence(candidate=candidate, split="test", split_object="", table=table, metrics={"f1": Metric(value=0.5, n=3)})
