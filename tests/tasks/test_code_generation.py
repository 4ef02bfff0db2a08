"""Code: programs read out of what a model says, scored by the tests of their rows."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.application import answering
from components.cards.verification import recompute
from components.core import Row, read_jsonl
from components.measure import measure, per_example
from components.selection import baselines
from components.tasks.code_generation import read_answer

from .small import solved, step_in

CASE = solved("code_generation")
CODE = "def f(a, b):\n    return a + b"


@pytest.mark.parametrize(
    "said",
    [
        CODE, f"  {CODE}\n\n", f"```python\n{CODE}\n```", f"Sure! Here it is:\n\n```\n{CODE}\n```\nIt adds them.",
        f"```py\n{CODE}", f"```python\n{CODE}\n```\n```python\nprint(f(1, 2))\n```",
    ],
)  # fmt: skip
def test_the_program_in_an_answer_is_found(said: str) -> None:
    assert read_answer(said, {}) == CODE


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Sure, I can help with that!",
        "```python\n```",
        "# to do",
        "    return a + b",
        "def f(",
        "x\0",
        "(" * 5000,
        None,
        ["x"],
    ],
)
def test_what_is_no_program_is_no_answer(said: Any) -> None:
    assert read_answer(said, {}) is None


@given(st.text(max_size=60))
def test_whatever_is_said_is_read_or_is_no_answer(said: str) -> None:
    found = read_answer(said, {})
    assert found is None or read_answer(found, {}) == found


def rate(pairs: list[tuple[Row, str]]) -> float:
    return sum(per_example(CASE.task, row, text, None)["pass@1"] or 0 for row, text in pairs) / len(pairs)


def test_the_right_programs_pass_and_those_of_other_rows_do_not() -> None:
    rows = CASE.rows
    assert rate([(row, row.answer) for row in rows]) == 1
    assert rate([(row, other.answer) for row, other in zip(rows, rows[4:] + rows[:4], strict=True)]) == 0


def test_an_answer_that_is_no_program_fails_where_the_tests_ask_nothing() -> None:
    row = Row(id="a", text="t", answer="x = 1", tests="pass")
    assert per_example(CASE.task, row, "", None) == {"pass@1": 0, "valid_code": 0}
    assert per_example(CASE.task, row, "y = 2", None) == {"pass@1": 1, "valid_code": 1}


def test_a_table_keeps_the_tests_by_which_its_figures_are_verified(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    dataset = CASE.dataset(step)
    candidate = baselines.fit(CASE.task, CASE.metrics, dataset, None, step)
    with answering(candidate, step.store, step.machine) as answer:
        evidence = measure(candidate, answer, dataset.splits["test"], CASE.task, step)
    rows: list[Any] = read_jsonl(step.store.file(evidence.table))
    assert [row["tests"] for row in rows] == [row.tests for row in dataset.rows("test", step.store)]
    figure = evidence.metrics["pass@1"]
    assert figure.low is not None
    assert figure.low < figure.value == sum(row["pass@1"] for row in rows) / len(rows)
    assert list(recompute._answers(CASE.task, rows, "here")) == []
    (finding,) = recompute._answers(CASE.task, [{**row, "tests": "raise ValueError"} for row in rows], "here")
    assert "pass@1 is 0.0, the table says 1.0" in finding.what
