"""Successive halving on validation, with the two-layer model."""

from pathlib import Path

import pytest

from components.application import constant
from components.application.engines.baseline import Engine
from components.core import BadInput, Candidate, Evidence, Metric, Metrics, parse
from components.prompting import METHODS, Config, Prompted, prompt
from components.prompting.halving import key, measured
from components.selection import Config as Selecting
from components.selection import select
from tests.selection.small import LIMITS, POLICY, questions, reviews, step_in

SMALL = Config(rows=(2, 4), keep=(2, 1), answer_tokens=3, thinking_tokens=3, shots=2)


def run(config: Config, folder: Path, make=questions):
    step = step_in(folder)
    task, metrics, dataset = make(step)
    made = Selecting(made=True, max_new_tokens=3)
    candidate = select(made, task=task, policy=POLICY, limits=LIMITS, metrics=metrics, dataset=dataset, step=step).model
    assert candidate
    return prompt(config, task=task, metrics=metrics, candidate=candidate, dataset=dataset, step=step), candidate, step


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prompted, Candidate, object]:
    return run(SMALL, tmp_path_factory.mktemp("prompting"))


def test_all_methods_start_and_half_go_on(prompted) -> None:
    found = prompted[0]
    assert {row["method"] for row in found.rounds if row["round"] == 1} == set(Config().methods) == set(METHODS)
    assert sum(row["kept"] for row in found.rounds if row["round"] == 1) == 2
    assert [row["method"] for row in found.rounds if row["round"] == 2 and row["kept"]] == [found.winner]


def test_two_turn_methods_are_said_to_cost_two_calls(prompted) -> None:
    calls = {row["method"]: row["calls_per_answer"] for row in prompted[0].rounds}
    assert {name for name, count in calls.items() if count == 2} == {"chain_of_thought", "chaining", "iterative"}
    assert "two calls" in prompted[0].notes[0]


def test_no_gain_keeps_the_prompt_at_hand(prompted) -> None:
    found, candidate, step = prompted
    assert found.decision.verdict != "adopt"
    assert found.candidate == candidate
    assert all(step.store.has(digest) for digest in found.objects)


def test_a_repeated_search_has_the_same_digest(prompted, tmp_path: Path) -> None:
    assert run(SMALL, tmp_path)[0].digest == prompted[0].digest


def test_answers_of_an_earlier_round_are_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = step_in(tmp_path)
    task, _, dataset = questions(step)
    candidate, split, asked = constant(task, "unknown"), dataset.splits["validation"], []
    reply = Engine.reply
    monkeypatch.setattr(Engine, "reply", lambda self, texts, hits: asked.extend(texts) or reply(self, texts, hits))
    first = measured(candidate, split, task, step, 2)
    measured(candidate, split, task, step, None, earlier=first)
    assert asked == [row.text for row in dataset.rows("validation", step.store)]


def test_classification_is_prompted_too(tmp_path: Path) -> None:
    config = Config(methods=("zero_shot", "chaining"), rows=(4,), keep=(1,), answer_tokens=2, thinking_tokens=2)
    found, _, _ = run(config, tmp_path, reviews)
    assert {row["figures"]["accuracy"] for row in found.rounds} <= {0.0, 0.25, 0.5, 0.75, 1.0}


def evidence(**values: float) -> Evidence:
    metrics = {name: Metric(value=value) for name, value in values.items()}
    return Evidence(candidate="", split="", split_object="", table="", metrics=metrics)


def test_releasable_prompts_come_first_but_always_abstaining_is_not_one(prompted) -> None:
    metrics = Metrics(primary="f1_answerable", at_least=0.1, floors={"abstention_recall": 0.3})
    silent = evidence(f1_answerable=0.0, abstention_recall=1.0)
    loud = evidence(f1_answerable=0.3, abstention_recall=0.0)
    both = evidence(f1_answerable=0.2, abstention_recall=0.4)
    order = sorted([silent, loud, both], key=lambda item: key(prompted[1], item, metrics, "x"))
    assert order == [silent, loud, both]


def test_unknown_method_and_a_schedule_without_a_winner_are_bad_input() -> None:
    with pytest.raises(BadInput, match=r"key 'methods': tree_of_thought: not known; allowed: .*zero_shot"):
        parse(Config, {"methods": ["tree_of_thought"]}, "section 'prompting'")
    with pytest.raises(BadInput, match="keep must end with 1"):
        parse(Config, {"rows": [2, 4], "keep": [4, 2]}, "section 'prompting'")
