"""Summaries within a length and about one thing: said in every prompt, counted in every script."""

import pytest

from components.application import answering, render
from components.core import BadInput, Prompt, Row, Task
from components.measure import measure, per_example
from components.prompting import METHODS
from components.prompting.elements import elements_of
from components.selection import baselines
from components.selection.stage import basic_prompt
from components.tasks import check_task
from components.training.examples import tuned_prompt

from .small import solved, step_in

CASE = solved("summarization")
SAID = "Summarise the document. Write about the costs only. Use at most 30 words and 1 sentence."


def task(**keys: object) -> Task:
    return Task.model_validate({"kind": "summarization", "instruction": "Summarise the document.", **keys})


def prompts(of: Task) -> dict[str, Prompt]:
    built = {name: method(elements_of(of, False, 80, 80), []) for name, method in METHODS.items()}
    return built | {"basic": basic_prompt(of, False, 80), "tuned": tuned_prompt(of, False)}


@pytest.mark.parametrize("name", [*METHODS, "basic", "tuned"])
def test_every_prompt_says_how_long_and_about_what(name: str) -> None:
    asked = task(at_most={"words": 30, "sentences": 1}, focus="the costs", format="Answer in plain words.")
    prompt = prompts(asked)[name]
    shown = render(prompt, len(prompt.turns) - 1, "A document.", [])
    assert SAID in " ".join(one["content"] for one in shown)
    plain = " ".join(one["content"] for one in render(prompts(task())[name], 0, "A document.", []))
    assert "at most" not in plain
    assert "only." not in plain.replace("summary only.", "")


@pytest.mark.parametrize(
    ("limits", "answer", "kept"),
    [
        ({"words": 3}, "Paris opened bridges.", True),
        ({"words": 3}, "Paris opened a bridge.", False),
        ({"words": 6}, "我们明天去北京", True),
        ({"words": 1}, "我们明天去北京", False),
        ({"words": 2}, "ราคาสูงขึ้นมากในปีนี้", False),
        ({"sentences": 1}, "It opened. Many came.", False),
        ({"sentences": 1}, "桥开了。很多人来了。", False),
        ({"sentences": 2}, "桥开了。很多人来了。", True),
        ({"characters": 4}, "नमस्ते", True),
        ({"characters": 1}, "👩‍👩‍👧", True),
        ({"characters": 4}, " cafe\u0301 \n", True),
        ({"characters": 3}, "cafe\u0301", False),
        ({"words": 9, "characters": 5}, "It opened.", False),
        ({"words": 9}, " ", False),
    ],
)
def test_an_answer_is_within_its_limits_in_every_script(limits: dict[str, int], answer: str, kept: bool) -> None:
    row = Row(id="a", text="A document.", answer="x")
    assert per_example(task(at_most=limits), row, answer, None)["within_limits"] == kept


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"at_most": {}}, "key 'task.at_most': give words, sentences or characters, as in `{words: 30}`"),
        ({"at_most": {"words": 0}}, "key 'task.at_most.words': Input should be greater than or equal to 1"),
        ({"at_most": {"lines": 3}}, "key 'task.at_most.lines' is not known; allowed here: characters, sentences, words"),
        ({"at_most": 30}, "key 'task.at_most'"),
        ({"focus": ""}, "key 'task.focus'"),
    ],
)
def test_a_limit_that_bounds_nothing_is_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_task(task(**keys), "desk.yaml")
    assert str(caught.value).startswith(f"desk.yaml: {said}")


def test_the_share_of_answers_within_is_measured_where_there_are_limits(tmp_path) -> None:
    step = step_in(tmp_path)
    dataset = CASE.dataset(step)
    plain = baselines.fit(CASE.task, CASE.metrics, dataset, None, step)
    for limits, share in (({"words": 500}, 1), ({"words": 1}, 0), (None, None)):
        asked = task(at_most=limits) if limits else task()
        with answering(plain, step.store, step.machine) as answer:
            figures = measure(plain, answer, dataset.splits["test"], asked, step).metrics
        assert (figures["within_limits"].value if share is not None else figures.get("within_limits")) == share
