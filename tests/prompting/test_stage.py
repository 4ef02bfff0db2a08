"""Successive halving on validation, with the two-layer model."""

from pathlib import Path

import pytest

from components.application import constant
from components.application.engines.baseline import Engine
from components.core import BadInput, Candidate, Decision, Evidence, Metric, Metrics, Split, Store, parse
from components.measure import compare, examples
from components.prompting import METHODS, Config, Prompted, prompt, stage
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


LOOKS = Config(methods=("few_shot",), rows=(2,), keep=(1,), answer_tokens=3, shots=1, validation_rows=4)


def never_settled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], list[str]]]:
    """Every comparison ends in "not enough evidence"; notes of each the name of its rows and their ids on both sides."""
    seen = []

    def unsettled(before: Evidence, after: Evidence, metrics: Metrics, store: Store, **more) -> Decision:
        seen.append((before.split, *([row["id"] for row in examples(one, store)] for one in (before, after))))
        return compare(before, after, metrics, store, **more).model_copy(update={"verdict": "not enough evidence"})

    monkeypatch.setattr(stage, "compare", unsettled)
    return seen


def test_what_validation_does_not_settle_is_looked_at_on_training_rows_that_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = never_settled(monkeypatch)
    found, candidate, step = run(LOOKS, tmp_path)
    _, _, dataset = questions(step)
    validation, train = ([row.id for row in dataset.rows(name, step.store)] for name in ("validation", "train"))
    said = found.proposed.turns[0].examples[0][0]
    shown = next(row for row in dataset.rows("train", step.store) if row.text in said)
    fair = [row.id for row in dataset.rows("train", step.store) if row.passage != shown.passage]
    assert shown.id not in fair
    assert [name for name, _, _ in seen] == ["validation[:4]", "validation", "validation and train"]
    assert all(before == after for _, before, after in seen)
    assert seen[1][1] == validation
    assert seen[2][1] == [*validation, *fair]
    assert set(fair) < set(train)
    assert f"look 3 of 3, on {len(seen[2][1])} of at most" in found.decision.reason
    assert found.candidate == candidate


def test_the_last_look_has_no_more_rows_than_the_profile_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = never_settled(monkeypatch)
    found, _, _ = run(LOOKS.model_copy(update={"rows_at_most": 4}), tmp_path)
    assert [name for name, _, _ in seen] == ["validation[:4]"]
    assert "look" not in found.decision.reason


def test_a_kill_between_looks_goes_on_with_the_same_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never_settled(monkeypatch)
    whole, _, _ = run(LOOKS, tmp_path / "whole")

    def killed(candidate: Candidate, split: Split, *given, **more) -> Evidence:
        if split.name != "validation":
            raise KeyboardInterrupt
        return measured(candidate, split, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(stage, "measured", killed)
        with pytest.raises(KeyboardInterrupt):
            run(LOOKS, tmp_path / "killed")
    resumed, _, _ = run(LOOKS, tmp_path / "killed")
    assert resumed.digest == whole.digest
