"""Rows of programs bring their tests; what is no program is set aside with the reason."""

import json

import pytest

from components.core import BadInput, GateRefused, Row, Task

from .conftest import Bench, write

TASK = Task(kind="code_generation", instruction="Write the Python function.")
SOURCE = {"name": "katas", "path": "katas.jsonl"}


def katas(count: int = 30) -> list[dict]:
    return [
        {
            "task": f"Write f(x) that adds {i * 7}.",
            "code": f"def f(x):\n    return x + {i * 7}",
            "test": f"assert f(1) == {i * 7 + 1}",
        }
        for i in range(count)
    ]


def test_tests_go_along_with_their_row(bench: Bench) -> None:
    write(bench.folder / "katas.jsonl", katas())
    found = bench.prepare(TASK, bench.data(SOURCE))
    rows = [row for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)]
    assert all(row.tests == f"assert f(1) == {int(row.answer.split()[-1]) + 1}" for row in rows)
    assert len(rows) == 20


def test_a_row_without_tests_or_without_a_program_is_set_aside_with_the_reason(bench: Bench) -> None:
    rows = katas()
    rows[5]["code"] = "    return x + 1"
    write(bench.folder / "katas.jsonl", rows)
    with pytest.raises(GateRefused, match=r"line 6; answer is no Python program \('return' outside function, line 1\)"):
        bench.prepare(TASK, bench.data(SOURCE, quarantine_at_most=0))
    del rows[3]["test"]
    write(bench.folder / "katas.jsonl", rows)
    with pytest.raises(GateRefused, match=r"'tests': 1 of 30 rows fail \(first: line 4; tests is missing"):
        bench.prepare(TASK, bench.data(SOURCE, quarantine_at_most=0))
    assert "2 bad rows set aside" in bench.prepare(TASK, bench.data(SOURCE, quarantine_at_most=0.1)).decision.reason


def test_a_file_without_tests_is_named_with_the_field_that_it_lacks(bench: Bench) -> None:
    write(bench.folder / "katas.jsonl", [{"task": row["task"], "code": row["code"]} for row in katas()])
    with pytest.raises(BadInput, match=r"no row has the field 'tests' or 'test'; found: code, task"):
        bench.prepare(TASK, bench.data(SOURCE))


def test_rows_of_other_kinds_are_written_as_they_were() -> None:
    assert "tests" not in json.loads(Row(id="a", text="t", answer="x").model_dump_json())
    assert Row(id="a", text="t", answer="x", tests="pass").model_dump()["tests"] == "pass"
