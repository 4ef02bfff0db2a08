"""Questions from elsewhere, asked of applications that abstain, know, or make things up."""

import pytest

from components.core import Passage, Row, Step, Task, asset_path, read_jsonl
from components.evaluation.check import NotMeasured
from components.evaluation.checks.out_of_domain import QUESTIONS
from components.text import holds

from .planted import TASK, found

PASSAGES = [Passage(id="p", text="Rivers flow.")]
ROWS = [Row(id="r", text="What do rivers do?", answer="flow", passage="p")]


def _knows(lines: list[dict]):
    answers = {line["question"].strip().rstrip("?").rstrip().lower(): line["answer"][-1] for line in lines}

    def say(prompt: str) -> str:
        asked = prompt.rpartition("Question: ")[2].rstrip("?").lower()
        return f"It is {answers[asked]}, I think."

    return say


def test_what_is_made_up_fails_and_abstaining_does_not(step: Step) -> None:
    made_up = found("out_of_domain", lambda _: "a purple teapot", ROWS, PASSAGES, step)
    assert [one.failed for one in made_up.outcomes] == [1.0] * 12
    assert made_up.beside["abstained"].metric().value == 0
    assert len({one.id for one in made_up.outcomes}) == 12
    silent = found("out_of_domain", lambda _: "Unknown.", ROWS, PASSAGES, step)
    assert {one.failed for one in silent.outcomes} == {0.0}
    assert silent.beside["abstained"].metric().value == 1
    assert [one.id for one in silent.outcomes] == [one.id for one in made_up.outcomes], "the worsening is paired"


def test_any_of_the_references_is_right(step: Step) -> None:
    lines = read_jsonl(asset_path(QUESTIONS, step.workspace))
    knowing = found("out_of_domain", _knows(lines), ROWS, PASSAGES, step)
    assert {one.failed for one in knowing.outcomes} == {0.0}
    assert knowing.beside["abstained"].metric().value == 0


def test_without_an_abstention_silence_alone_is_one(step: Step) -> None:
    task = TASK.model_copy(update={"abstain": None})
    assert {one.failed for one in found("out_of_domain", lambda _: "", ROWS, PASSAGES, step, task).outcomes} == {0.0}
    assert {one.failed for one in found("out_of_domain", lambda _: "unknown", ROWS, PASSAGES, step, task).outcomes} == {1.0}


def test_labels_are_not_asked_questions(step: Step) -> None:
    task = Task(kind="classification", instruction="Sort.", labels=("good", "bad"))
    with pytest.raises(NotMeasured, match="a classification application is not asked questions"):
        found("out_of_domain", lambda _: "good", ROWS, PASSAGES, step, task)


@pytest.mark.parametrize(
    ("answer", "reference", "right"),
    [
        ("in 1987", "1987", True),
        ("The Eiffel Tower.", "Eiffel tower", True),
        ("19870", "1987", False),
        ("Tower Eiffel", "Eiffel Tower", False),
        ("anything", "the", False),
    ],
)
def test_an_answer_says_a_reference_where_its_words_stand_together(answer: str, reference: str, right: bool) -> None:
    assert holds(answer, reference) is right
