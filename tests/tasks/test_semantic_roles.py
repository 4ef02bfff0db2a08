"""Semantic roles: frames marked in the text, in files as marks or places; plainly, what stands beside known predicates."""

from pathlib import Path

import pytest

from components.application import answering
from components.measure import per_example
from components.measure.metrics.semantic_roles import arguments
from components.selection import baselines
from components.tasks.semantic_roles import read_beside

from .small import solved, step_in

CASE = solved("semantic_roles")
TEXT = "Ann said Ben left ."
MARKED = "[Ann](1 A0) [said](1 V) [[Ben](2 A0) [left](2 V)](1 A1) ."
SAID = {"predicate": [4, 8], "arguments": [[0, 3, "A0"], [9, 17, "A1"]]}
LEFT = {"predicate": [13, 17], "arguments": [[9, 12, "A0"]]}


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (MARKED, MARKED),
        ([SAID, LEFT], MARKED),
        ([LEFT, SAID], MARKED),  # numbered in the order of the text
        ([], TEXT),
        ([{"predicate": [4, 8]}], "Ann [said](1 V) Ben left ."),
        ("[Ann](1 A0) [said](1 V) it .", None),
        ([{"predicate": [4, 99]}], None),
        ([{"predicate": [4, 8], "arguments": [[0, 3]]}], None),
        ([{"predicate": [4, 8], "arguments": [[0, 3, 0]]}], None),
        ([{"predicate": [4, 8], "arguments": [[0, 6, "A0"]]}], None),  # they overlap
        ([{"arguments": [[0, 3, "A0"]]}], None),
        ([{"predicate": [4, 8], "arguments": {"A0": [0, 3]}}], None),
        ([[4, 8]], None),
        ({"predicate": [4, 8]}, None),
        (None, None),
    ],
)
def test_an_answer_is_marks_in_its_text_or_frames_there(answer: object, read: str | None) -> None:
    assert read_beside(TEXT, answer) == read


@pytest.mark.parametrize(
    ("said", "f1"),
    [
        (MARKED, 1.0),
        (MARKED.replace("A1", "A2"), 4 / 6),
        (MARKED.replace("1", "7").replace("2", "5").replace("A7", "A1"), 1.0),  # numbers are names
        (MARKED.replace("(2 A0)", "(1 A0)"), 4 / 6),  # of another predicate
        (MARKED.replace("[Ann](1 A0)", "Ann"), 4 / 5),
        (f"{MARKED} [x](1 A4)", 1.0),  # behind the end of the text nothing stands
        (TEXT, 0.0),
    ],
)
def test_an_argument_counts_with_its_span_role_and_predicate(said: str, f1: float) -> None:
    row = CASE.rows[0].model_copy(update={"text": TEXT, "answer": MARKED})
    assert per_example(CASE.task, row, said, None)["text_role_f1"] == pytest.approx(f1)


def test_an_argument_without_a_predicate_is_never_right() -> None:
    without = TEXT.replace("Ann", "[Ann](1 A0)")
    found, predicates = arguments(TEXT, without)
    assert (found, predicates) == ({(None, "A0", (0, 3))}, set())
    assert not found & arguments(TEXT, MARKED)[0]


def test_plain_roles_stand_beside_known_predicates(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    plain = baselines.fit(CASE.task, CASE.metrics, CASE.dataset(step), None, step)
    with answering(plain, step.store, step.machine) as answer:
        (said,) = answer([CASE.rows[0].model_copy(update={"text": "Yesterday , Uma sold a big car , and then Pia slept ."})])
    assert said.text == "Yesterday , [Uma](1 A0) [sold](1 V) [a big car](1 A1) , [and then Pia](2 A0) [slept](2 V) ."
