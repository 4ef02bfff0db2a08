"""Several labels a text: one written form of a set, mistakes named, the plain baseline, and what a tiny model learns."""

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.application import answering
from components.core import BadInput, Row, Task
from components.selection import baselines
from components.tasks import check_task
from components.tasks.multilabel_classification import read_answer

from .small import Solved, solved, step_in

TASK = solved("multilabel_classification").task
SURE = TASK.model_copy(update={"none_allowed": False})


@pytest.mark.parametrize(
    "said",
    [
        "anger, joy", "joy,anger", "Joy; Anger.", "- joy\n- anger\n- joy", "joy and anger", '["joy", "anger"]', "anger|joy",
        ["joy", "anger"],
    ],
)  # fmt: skip
def test_a_set_has_one_written_form_whatever_its_order(said: Any) -> None:
    assert read_answer(said, TASK.own) == "anger, joy"


@pytest.mark.parametrize("said", ["none", "None.", []])
def test_no_label_is_an_answer_where_the_contract_allows_it(said: Any) -> None:
    assert read_answer(said, TASK.own) == "none"
    assert read_answer(said, SURE.own) is None


@pytest.mark.parametrize("said", ["", "happiness", "joy, happiness", "joy, none", "not joy", 3, ["joy", 3], {"joy": 1}])
def test_what_holds_anything_else_is_no_answer(said: Any) -> None:
    assert read_answer(said, TASK.own) is None


@given(st.sets(st.sampled_from(TASK.own["label_set"])))
def test_what_was_read_is_read_again_as_the_same(labels: set[str]) -> None:
    text = read_answer(list(labels), TASK.own)
    assert text
    assert read_answer(text, TASK.own) == text
    assert set(text.split(", ")) == (labels or {"none"})


def test_labels_of_two_words_and_with_and_are_labels() -> None:
    own = {"label_set": ["black and white", "colour", "black"], "none_allowed": False}
    assert read_answer("colour and black", own) == "colour, black"
    assert read_answer("Black and white, colour", own) == "black and white, colour"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "key 'task.label_set' is required; add it"),
        ({"label_set": ["joy"]}, "key 'task.label_set': give at least two labels"),
        ({"label_set": ["joy", "Joy"]}, "key 'task.label_set': give at least two labels"),
        ({"label_set": ["joy", "None"]}, "key 'task.label_set': 'none' is the answer without a label"),
        ({"label_set": ["joy", "fear, awe"]}, "key 'task.label_set.1': String should match pattern"),
        ({"labels": ["joy", "fear"], "label_set": ["joy", "fear"]}, "key 'task.labels' is not known; allowed here: "),
    ],
)
def test_a_mistake_in_the_labels_is_named_by_its_key(keys: dict, said: str) -> None:
    with pytest.raises(BadInput, match=rf"^desk\.yaml: {re.escape(said)}"):
        check_task(Task(kind="multilabel_classification", instruction="Name.", **keys), "desk.yaml")


def test_labels_that_no_text_or_every_text_has_leave_a_baseline(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task = TASK.model_copy(update={"label_set": ["anger", "joy", "sun", "rain"], "none_allowed": False})
    rows = [
        Row(id=str(i), text=f"{('fury', 'smile')[i // 2 % 2]} {i}", answer=("anger, sun", "joy, sun")[i // 2 % 2])
        for i in range(40)
    ]
    case = Solved(task, rows, [], [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        candidate = baselines.fit(task, case.metrics, case.dataset(step), None, step)
        with answering(candidate, step.store, step.machine) as answer:
            assert [one.text for one in answer(rows)] == [row.answer for row in rows]


def test_where_a_label_is_wanted_the_likeliest_is_given(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    rows = [
        Row(id=str(i), text=f"{('fury', 'smile', 'gasp')[i % 3]} {i}", answer=("anger", "joy", "surprise")[i % 3])
        for i in range(60)
    ]
    said = {}
    for task in (TASK, SURE):
        case = Solved(task, rows, [], [])
        candidate = baselines.fit(task, case.metrics, case.dataset(step), None, step)
        with answering(candidate, step.store, step.machine) as answer:
            (found,) = answer([Row(id="x", text="something else", answer="")])
            said[task.own["none_allowed"]] = found.text
    assert said[True] == "none"
    assert said[False] in ("anger", "joy", "surprise")
