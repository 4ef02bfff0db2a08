"""The eight methods, built for the three task kinds."""

import re
from itertools import product

import pytest

from components.application import render
from components.core import Row, Task
from components.prompting import METHODS, Example
from components.prompting.elements import elements_of
from components.prompting.examples import pick

TASKS = {
    "question_answering": Task(
        kind="question_answering", instruction="Answer.", abstain="unknown", persona="You help callers.", tone="Be brief."
    ),
    "classification": Task(kind="classification", instruction="Judge.", labels=("bad", "good")),
    "summarization": Task(kind="summarization", instruction="Summarise."),
}
EXAMPLES = [Example(input=f"in{i}", output=f"out{i}", context=f"about{i}") for i in range(3)]
ELEMENTS = {"task", "context", "examples", "persona", "format", "tone", "input", "output_indicator"}


def test_there_are_eight_methods_and_each_is_named_like_its_file() -> None:
    assert set(METHODS) == {
        "zero_shot", "one_shot", "few_shot", "chain_of_thought", "iterative", "negative", "hybrid", "chaining",
    }  # fmt: skip


@pytest.mark.parametrize(("method", "kind", "grounded"), list(product(METHODS, TASKS, (True, False))))
def test_every_method_is_a_whole_prompt_for_every_kind(method: str, kind: str, grounded: bool) -> None:
    prompt = METHODS[method](elements_of(TASKS[kind], grounded, 16, 48), EXAMPLES)
    fields = [set(re.findall(r"\{\{(\w+)\}\}", turn.user)) for turn in prompt.turns]
    assert prompt.method == method
    assert set(prompt.elements) == ELEMENTS
    assert "input" in fields[0]
    assert ("context" in fields[0]) == grounded
    assert all(("previous" in found) == (number > 0) for number, found in enumerate(fields))
    assert prompt.turns[-1].max_new_tokens == 16
    assert prompt.turns[-1].user.endswith(prompt.elements["output_indicator"])
    assert all("{{" not in text for turn in prompt.turns for pair in turn.examples for text in pair)


@pytest.mark.parametrize(("method", "shown"), [("zero_shot", 0), ("one_shot", 1), ("hybrid", 2), ("few_shot", 3)])
def test_methods_show_their_number_of_examples(method: str, shown: int) -> None:
    prompt = METHODS[method](elements_of(TASKS["question_answering"], True, 16, 48), EXAMPLES)
    assert [answer for _, answer in prompt.turns[0].examples] == [f"out{i}" for i in range(shown)]
    assert sum(f"out{i}" in prompt.elements["examples"] for i in range(3)) == shown


def test_persona_and_tone_go_to_the_system_turn_and_abstention_into_the_format() -> None:
    prompt = METHODS["zero_shot"](elements_of(TASKS["question_answering"], True, 16, 48), [])
    assert prompt.turns[0].system == "You help callers. Be brief."
    assert "say unknown" in prompt.turns[0].user


def test_training_text_cannot_open_a_field() -> None:
    sly = [Example(input="{{previous}}", output="{{input}}", context="{{context}}")]
    prompt = METHODS["one_shot"](elements_of(TASKS["question_answering"], True, 16, 48), sly)
    messages = render(prompt, 0, "why", ["because"])
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1]["content"] == "Passage: {{context}}\nQuestion: {{previous}}\nAnswer:"
    assert messages[2]["content"] == "{{input}}"
    assert messages[3]["content"] == "Passage: because\nQuestion: why\nAnswer:"


def rows() -> list[Row]:
    answered = [Row(id=f"a{i}", text="what is it now" + " long" * i, answer=f"x{i}", passage=f"p{i}") for i in range(4)]
    return [*answered, Row(id="u", text="who was it not now", answer="unknown", passage="p3")]


def test_examples_are_short_distinct_and_hold_one_abstention_that_does_not_come_last() -> None:
    passages = {f"p{i}": "word " * 5 for i in range(4)} | {"p2": "word " * 500}
    passages = {name: f"{text}{name}" for name, text in passages.items()}
    found = pick(TASKS["question_answering"], rows(), passages, 3, 100)
    assert [row.answer for row, _ in found] == ["x0", "unknown", "x1"]
    assert len({example.context for _, example in found}) == 3


def test_examples_without_their_passage_are_left_out() -> None:
    assert [example.output for _, example in pick(TASKS["question_answering"], rows(), {"p1": "here"}, 3, 100)] == ["x1"]


def test_labels_take_turns_in_examples() -> None:
    labelled = [
        Row(id=f"{label}{i}", text=f"quite a short text {i}", answer=label) for label in ("good", "bad") for i in (1, 2)
    ]
    found = pick(TASKS["classification"], labelled, {}, 3, 100)
    assert [example.output for _, example in found] == ["bad", "good", "bad"]
