"""A two-layer model with a prompt and BM25 over five passages, and a dataset to measure it on."""

from pathlib import Path

import pytest

from components.application import checkpoint
from components.core import (
    Candidate,
    Dataset,
    Limits,
    Machine,
    Metrics,
    Passage,
    Prompt,
    PromptTurn,
    Retriever,
    Row,
    Runtime,
    Split,
    Step,
    Task,
    Workspace,
    write_jsonl,
)

ANSWERS = ("Paris", "Oxygen", "unknown", "The Normans", "unknown", "a river")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def step(workspace: Workspace, request: pytest.FixtureRequest) -> Step:
    return Step(request.node.name, workspace.store.scratch(request.node.name), workspace, Machine(threads=1))


@pytest.fixture
def task() -> Task:
    return Task(kind="question_answering", instruction="Answer the question from the text.", abstain="unknown")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(primary="f1", at_least=0.0)


@pytest.fixture
def limits() -> Limits:
    return Limits(latency_p95_seconds=60, memory_gb=8, cost_per_1000_answers=10)


@pytest.fixture
def dataset(step: Step, tmp_path: Path) -> Dataset:
    knowledge = [Passage(id=f"p{i}", text=f"Passage {i} tells of {ANSWERS[i]} and of the king.") for i in range(5)]
    splits = {}
    for name in ("validation", "test"):
        rows = [_row(f"{name}{i}", i, answer) for i, answer in enumerate(ANSWERS)]
        splits[name] = _split(name, "rows.jsonl", rows, step, tmp_path)
    base = _split("knowledge", "passages.jsonl", knowledge, step, tmp_path)
    provenance = tmp_path / "provenance.json"
    provenance.write_text("{}")
    return Dataset(splits=splits, knowledge=base, provenance=step.store.put(provenance))


@pytest.fixture
def candidate(step: Step, task: Task, dataset: Dataset) -> Candidate:
    return Candidate(
        task=task.kind,
        abstain=task.abstain,
        runtime=Runtime(engine="transformers", dtype="bfloat16"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=Prompt(
            method="zero_shot", turns=(PromptTurn(user="Text: {{context}}\nQuestion: {{input}}", max_new_tokens=8),)
        ),
        retriever=Retriever(scoring="bm25", knowledge=dataset.knowledge.object),
    )


def _row(name: str, i: int, answer: str) -> Row:
    slices = {"answerable": "no" if answer == "unknown" else "yes"}
    return Row(id=name, text=f"Um, tell me of the king in passage {i}?", answer=answer, passage="p1", slices=slices)


def _split(name: str, file: str, rows: list, step: Step, folder: Path) -> Split:
    write_jsonl(folder / file, rows)
    return Split(name=name, object=step.store.put(folder / file), count=len(rows))
