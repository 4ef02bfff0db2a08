"""Rewriting: what is to be changed is a key; the plain baseline changes nothing, and is right where nothing is wrong."""

import re

import pytest

from components.application import answering
from components.core import BadInput, Task
from components.measure import per_example
from components.selection import baselines
from components.tasks import check_task, kind_of

from .small import solved, step_in

CASE = solved("rewriting")


def test_the_plain_baseline_is_right_only_where_nothing_is_to_be_changed(tmp_path) -> None:
    step = step_in(tmp_path)
    candidate = baselines.fit(CASE.task, CASE.metrics, CASE.dataset(step), None, step)
    with answering(candidate, step.store, step.machine) as answer:
        said = [one.text for one in answer(CASE.rows)]
    assert said == [row.text for row in CASE.rows]
    for row, text in zip(CASE.rows, said, strict=True):
        found = per_example(CASE.task, row, text, None)
        assert found["text_edit_f05"] == float(row.text == row.answer)
        assert (found["chrf"] or 0) > 0.7, "chrF alone would take an unchanged text for a good one"


@pytest.mark.parametrize("aim", ["grammar", "spelling", "tone", "format"])
def test_the_prompt_says_what_is_to_be_changed(aim: str) -> None:
    task = Task(kind="rewriting", instruction="Rewrite.", aim=aim)
    check_task(task, "desk.yaml")
    said = kind_of("rewriting").words.format(task)
    assert ("corrected" in said) == (aim in ("grammar", "spelling"))
    assert (aim in said) == (aim in ("tone", "format"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "key 'task.aim' is required; add it"),
        ({"aim": "beauty"}, "key 'task.aim': Input should be 'grammar', 'spelling', 'tone' or 'format'"),
    ],
)
def test_a_mistake_in_the_aim_is_named_by_its_key(keys: dict, said: str) -> None:
    with pytest.raises(BadInput, match=rf"^desk\.yaml: {re.escape(said)}"):
        check_task(Task(kind="rewriting", instruction="Rewrite.", **keys), "desk.yaml")
