"""Expansion: points written out within two bounds, said in every prompt and measured; every point kept, no fact added."""

import pytest

from components.application import answering, render
from components.core import BadInput, Prompt, Row, Task
from components.measure import per_example
from components.measure.metrics.given_facts import facts, given_facts
from components.measure.metrics.points_kept import points_kept
from components.prompting import METHODS
from components.prompting.elements import elements_of
from components.prompting.principles import limits
from components.selection import baselines
from components.selection.stage import basic_prompt
from components.tasks import Tokens, check_task, tokens_of
from components.training.examples import tuned_prompt
from components.use_case import check_contract
from tests.use_case.test_check import contract

from .small import solved, step_in

CASE = solved("expansion")
POINTS = "- Ann opens a bakery in Oslo\n- first day: Monday\n- 20 kinds of bread"
SAID = "Write the announcement. Use at least 20 words. Use at most 40 words and 3 sentences."


def task(**keys: object) -> Task:
    return Task.model_validate({"kind": "expansion", "instruction": "Write the announcement.", **keys})


def prompts(of: Task) -> dict[str, Prompt]:
    built = {name: method(elements_of(of, False, 80, 80), []) for name, method in METHODS.items()}
    return built | {"basic": basic_prompt(of, False, 80), "tuned": tuned_prompt(of, False)}


@pytest.mark.parametrize("name", [*METHODS, "basic", "tuned"])
def test_every_prompt_says_both_bounds(name: str) -> None:
    prompt = prompts(task(at_least={"words": 20}, at_most={"words": 40, "sentences": 3}))[name]
    assert SAID in " ".join(one["content"] for one in render(prompt, len(prompt.turns) - 1, POINTS, []))
    assert "at least" not in " ".join(one["content"] for one in render(prompts(task())[name], 0, POINTS, []))


@pytest.mark.parametrize(
    ("bounds", "answer", "kept"),
    [
        ({"at_least": {"words": 3}}, "Ann opens soon.", 1),
        ({"at_least": {"words": 4}}, "Ann opens soon.", 0),
        ({"at_least": {"words": 2}, "at_most": {"words": 3}}, "Ann opens soon.", 1),
        ({"at_least": {"words": 2}, "at_most": {"words": 2}}, "Ann opens soon.", 0),
        ({"at_least": {"sentences": 2}, "at_most": {"characters": 20}}, "Ann opens. Ben too.", 1),
        ({"at_least": {"sentences": 2}, "at_most": {"characters": 18}}, "Ann opens. Ben too.", 0),
        ({"at_least": {"words": 4}}, "我们明天去北京", 1),
        ({}, "Ann opens soon.", None),
    ],
)
def test_an_answer_is_within_both_bounds(bounds: dict, answer: str, kept: float | None) -> None:
    assert per_example(task(**bounds), Row(id="a", text=POINTS, answer="x"), answer, None)["within_limits"] == kept


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"at_least": {}}, "key 'task.at_least': give words, sentences or characters, as in `{words: 30}`"),
        ({"at_least": {"lines": 3}}, "key 'task.at_least.lines' is not known; allowed here: characters, sentences, words"),
        (
            {"at_least": {"words": 50}, "at_most": {"words": 40}},
            "key 'task.at_most': 40 words are fewer than the 50 of task.at_least",
        ),
    ],
)
def test_bounds_that_nothing_can_keep_are_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_task(task(**keys), "desk.yaml")
    assert str(caught.value).startswith(f"desk.yaml: {said}")


def test_a_floor_under_the_share_within_needs_a_bound_that_the_kind_has() -> None:
    floors = {"primary": "rouge_l", "at_least": 0.1, "floors": {"within_limits": 0.9}}
    for keys, needed in (
        ({"kind": "expansion"}, "task.at_least or task.at_most"),
        ({"kind": "summarization"}, "task.at_most"),
    ):
        with pytest.raises(BadInput, match=rf"metrics\.floors\.within_limits': 'within_limits' needs {needed}; add it"):
            check_contract(contract(task={"instruction": "Write.", **keys}, metrics=floors))


def test_answers_have_room_for_the_length_that_is_asked_for() -> None:
    usual = tokens_of(task())
    assert tokens_of(task(at_most={"words": 40})) == usual, "a shorter bound keeps the prompt as it was"
    assert tokens_of(task(at_most={"words": 400})) == Tokens(basic=600, prompted=600, tuned=600)
    assert tokens_of(task(at_least={"sentences": 10})).basic == 480
    assert tuned_prompt(task(at_most={"words": 400}), False).turns[0].max_new_tokens == 600


def test_no_other_bound_is_taken_from_rows_beside_those_of_the_contract() -> None:
    elements = elements_of(task(at_least={"words": 90}), False, 80, 80)
    assert limits.add(elements, task(at_least={"words": 90}), CASE.rows) == elements
    assert limits.add(elements, task(), CASE.rows) != elements


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("Ann opens a bakery in Oslo. Its first day is Monday. It has 20 kinds of bread.", 1),
        ("Twenty kinds of breads! On Monday, the first day, Ann opens her bakery in Oslo.", 1),
        ("Ann opens a bakery in Oslo. Its first day is Monday.", 2 / 3),
        ("Ann opens a bakery in Rome. Its first day is Monday. It has 20 kinds of bread.", (3 / 4 + 2) / 3),
        ("Ann opens. Nothing is said here. Nothing is said there. A bakery in Oslo.", 1 / 3 * (1 / 2)),
        ("", 0),
    ],
)
def test_a_point_is_kept_as_far_as_it_is_said_in_one_place(answer: str, kept: float) -> None:
    assert points_kept(answer, POINTS) == pytest.approx(kept)
    assert points_kept(answer, "- \n- the") is None, "no point says anything"


def test_names_and_numbers_of_neither_input_nor_reference_are_added() -> None:
    assert facts("Ann and Ben paid 1,200 or twenty in New York. They left.") == {"ben", "1200", "20", "new", "york"}
    assert given_facts("It is Ann who opens with twenty kinds.", POINTS) == 1
    assert given_facts("It is Ann who opens with Ben and 30 kinds.", POINTS) == 1 / 3
    assert given_facts("It is Ann who opens with Ben and 30 kinds.", POINTS, "Ben will be there.") == 2 / 3
    assert given_facts("Everybody is welcome.", POINTS) is None


def test_the_copied_points_say_all_and_are_no_text(tmp_path) -> None:
    step = step_in(tmp_path)
    plain = baselines.fit(CASE.task, CASE.metrics, CASE.dataset(step), None, step)
    with answering(plain, step.store, step.machine) as answer:
        said = [one.text for one in answer(CASE.rows)]
    for row, text in zip(CASE.rows, said, strict=True):
        found = per_example(CASE.task, row, text, None)
        assert (found["points_kept"], found["given_facts"], found["within_limits"]) == (1, 1, 0)
        assert (found["rouge_l"] or 0) < 0.9
