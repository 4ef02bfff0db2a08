"""Sentences with tagged tokens as texts with their entities."""

import json
from pathlib import Path

import pytest

from components.core import BadInput, GateRefused, Source, Task
from components.data.read import Record, read_source

from .conftest import Bench

NAMES = {"type": "array", "items": {"type": "string"}}
SCHEMA = {"type": "object", "properties": {"LOC": NAMES, "PER": NAMES}, "additionalProperties": False}
TASK = Task(kind="extraction", instruction="List the names.", schema=SCHEMA)
TAGGED = """-DOCSTART- -X- -X- O

Ann NNP B-NP B-PER
Lee NNP I-NP I-PER
met VBD B-VP O
Bo NNP B-NP I-PER
in IN B-PP O
New NNP B-NP I-LOC
York NNP I-NP I-LOC
Rome NNP I-NP B-LOC

It O
rained O"""


def read(path: Path, text: str) -> list[Record]:
    path.write_text(text)
    source = Source(name="news", role="examples", path=path.name, licence="CC0-1.0", origin="made for a test")
    return read_source(source, 0, path, TASK)


def test_a_sentence_is_a_row_and_each_entity_stands_under_its_type(tmp_path: Path) -> None:
    first, second = read(tmp_path / "news.conll", TAGGED)
    assert (first.line, first.text) == (3, "Ann Lee met Bo in New York Rome")
    assert json.loads(first.answer or "") == {"PER": ["Ann Lee", "Bo"], "LOC": ["New York", "Rome"]}
    assert (second.line, second.text, second.answer) == (12, "It rained", '{"LOC": [], "PER": []}')


@pytest.mark.parametrize("line", ["Ann", "Ann NNP person", "Ann B-", "1 The DET _ 2"])
def test_a_line_without_a_tag_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadInput, match=rf"news\.conll, line 14: expected a token, and its tag .* found '{line}'"):
        read(tmp_path / "news.conll", f"{TAGGED}\n{line}\n")


def test_answers_that_the_schema_refuses_are_set_aside_with_the_reason(bench: Bench) -> None:
    rows = [
        {"text": f"Ann number {i} lives in Oslo {i}", "entities": {"PER": ["Ann"], "LOC": [f"Oslo {i}"]}} for i in range(30)
    ]
    rows[7]["entities"] = {"SHIP": ["Ann"]}
    rows[9]["entities"] = "Ann"  # type: ignore[assignment]
    (bench.folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = bench.data({"name": "news", "path": "news.jsonl"}, quarantine_at_most=0.1)
    found = bench.prepare(TASK, data)
    kept = [row for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)]
    assert all(json.loads(row.answer)["PER"] == ["Ann"] for row in kept)
    assert "2 bad rows set aside" in found.decision.reason
    with pytest.raises(GateRefused, match=r"line 8.*answer is no JSON that task\.schema allows"):
        bench.prepare(TASK, bench.data({"name": "news", "path": "news.jsonl"}, quarantine_at_most=0))
