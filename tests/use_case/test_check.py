"""Feasibility: what holds, what does not, and what the sentence says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.core import (
    BadInput,
    Dataset,
    Machine,
    Row,
    Split,
    Step,
    UseCase,
    Workspace,
    parse,
    publish_json,
    read_yaml,
    write_jsonl,
)
from components.core.code import ROOT
from components.use_case import Config, Feasibility, check, check_contract, foresee

CONTRACT: dict[str, Any] = {
    "name": "letters",
    "problem": "Sort letters.",
    "owner": "post room",
    "risk_tier": "low",
    "task": {"kind": "classification", "instruction": "Sort.", "labels": ["bill", "praise"]},
    "data": {
        "sources": [{"name": "post", "role": "examples", "path": "post.jsonl", "licence": "CC0-1.0", "origin": "post room"}],
        "splits": {"train": 10, "validation": 5, "test": 5},
        "minimum_rows": 20,
    },
    "metrics": {"primary": "accuracy", "at_least": 0.5, "enough": 0.8},
    "limits": {"latency_p95_seconds": 1, "memory_gb": 2, "cost_per_1000_answers": 10},
    "value": {"answers_per_month": 1000, "saving_per_good_answer": 0.1, "machine_hour": 0.1},
    "deployment": {"model_name": "letters"},
}
MACHINE = {"cores": 2.0, "memory_gb": 8.0, "disk_gb": 50.0}


def contract(**changes: Any) -> UseCase:
    return parse(UseCase, CONTRACT | changes, "letters.yaml")


def assess(
    folder: Path,
    use_case: UseCase,
    machine: dict[str, float] = MACHINE,
    labels: str = "bill praise",
    dropped: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> Feasibility:
    """Feasibility on a Dataset of 10, 0, 5 and 5 rows. dropped: lines of its `dropped.jsonl`"""
    workspace = Workspace(folder / "home")
    step = Step("k" * 64, workspace.store.scratch("k" * 64), workspace, Machine())
    counts = {"train": 10, "feedback": 0, "validation": 5, "test": 5}
    kinds = labels.split()
    splits = {}
    for name, count in counts.items():
        rows = [Row(id=f"{name}{number}", text="t", answer=kinds[number % len(kinds)]) for number in range(count)]
        write_jsonl(step.scratch / "rows.jsonl", rows)
        splits[name] = Split(name=name, object=workspace.store.put(step.scratch / "rows.jsonl"), count=count)
    rows_of = {name: {"rows": count, "used": count} for name, count in counts.items()}
    write_jsonl(step.scratch / "dropped.jsonl", dropped)
    listed = workspace.store.put(step.scratch / "dropped.jsonl")
    publish_json(step.scratch / "provenance.json", {"split_rows": rows_of, "dropped": {}, "dropped_rows": listed} | more)
    dataset = Dataset(splits=splits, provenance=workspace.store.put(step.scratch / "provenance.json"))
    return check(Config(), contract=use_case, dataset=dataset, machine=machine, step=step)


def test_a_feasible_use_case_says_what_it_is_worth(tmp_path: Path) -> None:
    result = assess(tmp_path, contract())
    assert result.decision.adopted, result.decision.reason
    # 1000 × (0.5 × 0.1 − 0.01) and 1000 × 0.8 × 0.1
    assert (result.value.low, result.value.high) == (40.0, 80.0)
    assert "answers_per_month × (accuracy × saving_per_good_answer − cost_per_answer)" in result.value.formula
    assert result.hours == pytest.approx(3.5 * 20 / 4000, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": CONTRACT["data"] | {"minimum_rows": 21}}, "usable rows: found 20, needed 21 (data.minimum_rows)"),
        (
            {"data": CONTRACT["data"] | {"splits": {"train": 40, "validation": 5, "test": 5}}},
            "rows for train: found 10, needed 32 of the 40 asked for (data.splits.train)",
        ),
        ({"skills": ["python"], "skills_available": ["law"]}, "find python, then add it to skills_available"),
        ({"limits": CONTRACT["limits"] | {"memory_gb": 16}}, "memory: found 8 GB, needed 16 GB"),
        ({"value": CONTRACT["value"] | {"saving_per_good_answer": -1}}, "expected value: found"),
        ({"policy": {"licences": []}}, "licences of models: found none"),
    ],
)
def test_what_is_lacking_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    result = assess(tmp_path, contract(**changes))
    assert result.decision.verdict == "keep"
    assert said in result.decision.reason


def test_a_filter_that_took_the_training_rows_is_named_in_the_advice(tmp_path: Path) -> None:
    splits = {"train": 40, "validation": 5, "test": 5}
    curation = [{"step": "normalise", "training_rows": [50, 50]}, {"step": "gopher", "training_rows": [50, 10]}]
    result = assess(tmp_path, contract(data=CONTRACT["data"] | {"splits": splits}), curation=curation)
    assert "rows for train: found 10, needed 32" in result.decision.reason
    assert "loosen what curation took away (data.filters, data.duplicates: 'gopher' dropped 40), " in result.decision.reason


def test_a_label_that_never_occurs_is_not_feasible(tmp_path: Path) -> None:
    result = assess(tmp_path, contract(), labels="bill")
    assert "labels in train: found bill 10, praise 0" in result.decision.reason


@pytest.mark.parametrize(
    ("rows", "advice"),
    [
        (5, "5 rows cannot hold 12 labels: raise data.splits.validation to 12 or more)"),
        (40, "the profile uses 5 rows of validation: take one whose section 'data' has `validation: 12` or more"),
    ],
)
def test_a_split_with_less_room_than_labels_says_so(tmp_path: Path, rows: int, advice: str) -> None:
    labels = [f"topic_{number:02}" for number in range(12)]
    figures = {"train": 10, "feedback": 0, "validation": rows, "test": 5}
    given = {name: {"rows": count, "used": count} for name, count in figures.items()}
    task = CONTRACT["task"] | {"labels": labels}
    result = assess(tmp_path, contract(task=task), labels=" ".join(labels), split_rows=given)
    assert "labels in validation: found 5 of 12, none of topic_05, topic_06, " in result.decision.reason
    assert advice in result.decision.reason


def test_a_label_that_is_rare_is_named_with_a_way_on(tmp_path: Path) -> None:
    reason = assess(tmp_path, contract(), labels="bill").decision.reason
    assert "bring rows of praise, count them as another label with data.sources.<n>.values, or leave them out of" in reason


def test_where_rows_went_is_told_once_where_rows_lack(tmp_path: Path) -> None:
    data = CONTRACT["data"] | {"minimum_rows": 21, "splits": {"train": 40, "validation": 5, "test": 5}}
    rows = [{"step": "leak", "reason": "example row and test: equal", "part": "train"}] * 7
    rows += [{"step": "equal", "reason": "duplicate row", "part": "train"}] * 2
    rows += [{"step": "gate", "reason": "text: missing"}, {"step": "gate", "reason": "answer: missing"}]
    other = [
        {"step": "leak", "reason": "knowledge passage and test: question", "part": "knowledge"},
        {"step": "profile", "reason": "more train rows than the profile uses", "part": "train"},
        {"step": "spans", "reason": "stood before", "part": "train", "cut": "a" * 64},
    ]
    reason = assess(tmp_path, contract(data=data), dropped=[*other, *rows]).decision.reason
    went = (
        "11 rows were left out: 7 × example row and test: equal, 2 × duplicate row, 2 × set aside by the gate; `ninefold "
        "dropped letters` lists them"
    )
    assert "usable rows: found 20, needed 21 (data.minimum_rows) (bring more rows; " + went in reason
    assert reason.count(went) == 1


def test_where_no_row_was_left_out_nothing_is_said_of_it(tmp_path: Path) -> None:
    reason = assess(tmp_path, contract(data=CONTRACT["data"] | {"minimum_rows": 21})).decision.reason
    assert reason.endswith("(bring more rows)")


TWELVE = CONTRACT["task"] | {"labels": [f"topic_{number:02}" for number in range(12)]}


@pytest.mark.parametrize(
    ("changes", "given", "said"),
    [
        ({"skills": ["python"], "skills_available": ["law"]}, {}, "find python, then add it to skills_available"),
        ({"limits": CONTRACT["limits"] | {"memory_gb": 16}}, {}, "memory: found 8 GB, needed 16 GB"),
        ({"value": CONTRACT["value"] | {"saving_per_good_answer": -1}}, {}, "expected value: found"),
        ({"policy": {"licences": []}}, {}, "licences of models: found none"),
        ({"task": TWELVE}, {}, "labels in train: found room for 10 rows, needed at least one row of each (10 rows"),
        ({"task": TWELVE, "data": CONTRACT["data"] | {"splits": {"train": 20, "validation": 20, "test": 20}}},
         {"caps": {"test": 4}}, "take one whose section 'data' has `test: 12` or more"),
        ({}, {"machine": MACHINE | {"cores": 0.001}}, "time: found about"),
        ({}, {"rows": 19}, "usable rows: found 19, needed 20 (data.minimum_rows)"),
        ({"data": CONTRACT["data"] | {"splits": {"train": 40, "validation": 5, "test": 5}}}, {"rows": 39},
         "rows for the splits: found 39, needed 40 (80% of what data.splits asks for)"),
    ],
)  # fmt: skip
def test_what_needs_no_data_is_foreseen(changes: dict[str, Any], given: dict[str, Any], said: str) -> None:
    decision = foresee(Config(), contract=contract(**changes), **{"caps": {}, "machine": MACHINE} | given)
    assert decision.verdict == "keep"
    assert said in decision.reason


def test_what_may_be_feasible_is_not_refused_before_its_data_is_read(tmp_path: Path) -> None:
    """Whatever `check` adopts, `foresee` lets through."""
    caps = {"train": 4, "feedback": 0, "validation": None, "test": 5}
    for rows in (None, 20, 10_000):
        assert foresee(Config(), contract=contract(), caps=caps, machine=MACHINE, rows=rows).adopted
    assert assess(tmp_path, contract()).decision.adopted


@pytest.mark.parametrize("names", [("post", "post"), ("caf\u00e9", "cafe\u0301")])
def test_two_sources_of_one_name_are_refused_with_the_key(names: tuple[str, str]) -> None:
    source = CONTRACT["data"]["sources"][0]
    data = CONTRACT["data"] | {"sources": [source | {"name": name} for name in names]}
    with pytest.raises(
        BadInput, match=r"letters\.yaml: key 'data\.sources\.1\.name': '.*' is used twice \(data\.sources\.0"
    ) as caught:
        check_contract(contract(data=data), "letters.yaml")
    assert caught.value.exit_code == 2


def test_the_case_of_two_sources_with_one_name_is_refused() -> None:
    path = ROOT / "tests/cases/16-two-sources-one-name/twins.yaml"
    with pytest.raises(BadInput, match=r"twins\.yaml: key 'data\.sources\.1\.name'"):
        check_contract(read_yaml(path, UseCase), str(path))


def test_research_data_is_not_for_production(tmp_path: Path) -> None:
    source = CONTRACT["data"]["sources"][0] | {"licence": "CC-BY-NC-4.0"}
    data = CONTRACT["data"] | {"sources": [source]}
    assert "licence of 'post': found CC-BY-NC-4.0" in assess(tmp_path, contract(data=data)).decision.reason
    assert "licence of 'post'" in foresee(Config(), contract=contract(data=data), caps={}, machine=MACHINE).reason
    assert assess(tmp_path, contract(data=data, policy={"use": "research"})).decision.adopted


def test_too_slow_a_machine_is_not_feasible(tmp_path: Path) -> None:
    result = assess(tmp_path, contract(), machine=MACHINE | {"cores": 0.001})
    assert "time: found about" in result.decision.reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"metrics": {"primary": "f2", "at_least": 0.5}},
            "'metrics.primary': 'f2' is not measured for classification; allowed: acc",
        ),
        ({"metrics": {"primary": "accuracy", "at_least": 0.9, "enough": 0.5}}, "'metrics.enough': must be at least"),
        (
            {"metrics": {"primary": "accuracy", "at_least": 0.5, "floors": {"macro_f1": 1.5}}},
            "'metrics.floors.macro_f1': must lie between 0 and 1",
        ),
        ({"slices": ["answerable"]}, "'slices': 'answerable' does not exist for classification; allowed: label, length"),
        (
            {"data": CONTRACT["data"] | {"sources": [CONTRACT["data"]["sources"][0] | {"values": {"1": "joy"}}]}},
            "'data.sources.0.values': '1' becomes 'joy'; allowed: bill, praise",
        ),
    ],
)
def test_a_contract_that_contradicts_itself_is_bad_input(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_contract(contract(**changes))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("task", "source", "said"),
    [
        ({"kind": "conversation", "instruction": "Answer."}, {"values": {"Caller": "customer"}},
         "'data.sources.0.values': 'Caller' becomes 'customer'; allowed: system, user, assistant"),
        (CONTRACT["task"], {"replies": "each"},
         "'data.sources.0.replies': 'each' is for conversation only; leave it out"),
    ],
    ids=["who speaks", "replies"],
)  # fmt: skip
def test_who_speaks_is_said_in_known_words_and_of_conversations_only(
    task: dict[str, Any], source: dict[str, Any], said: str
) -> None:
    data = CONTRACT["data"] | {"sources": [CONTRACT["data"]["sources"][0] | source]}
    with pytest.raises(BadInput) as caught:
        check_contract(contract(task=task, data=data))
    assert said in str(caught.value)


def test_abstention_floors_need_the_words_for_no_answer() -> None:
    task = {"kind": "question_answering", "instruction": "Answer."}
    metrics = {"primary": "f1", "at_least": 0.1, "floors": {"abstention_recall": 0.3}}
    with pytest.raises(BadInput, match=r"metrics\.floors\.abstention_recall.*needs task\.abstain"):
        check_contract(contract(task=task, metrics=metrics))


def test_quotes_need_passages_and_practice_needs_questions() -> None:
    task = {"kind": "question_answering", "instruction": "Answer.", "answers": "quoted"}
    with pytest.raises(BadInput, match=r"task\.answers.*passages to quote from"):
        check_contract(contract(task=task, metrics={"primary": "f1", "at_least": 0.1}))
    sources = [*CONTRACT["data"]["sources"], CONTRACT["data"]["sources"][0] | {"name": "more", "role": "practice"}]
    with pytest.raises(BadInput, match=r"data\.sources\.1\.role.*question_answering only"):
        check_contract(contract(data=CONTRACT["data"] | {"sources": sources}))


@pytest.mark.parametrize("primary", ["hit@1", "abstention_recall", "abstention_rate"])
def test_what_says_nothing_about_answers_is_no_goal(primary: str) -> None:
    task = {"kind": "question_answering", "instruction": "Answer.", "abstain": "unknown"}
    with pytest.raises(BadInput, match=rf"metrics\.primary.*'{primary}' may be a floor.*allowed: f1"):
        check_contract(contract(task=task, metrics={"primary": primary, "at_least": 0.1}))


def test_labels_that_cannot_be_told_apart_are_named_and_those_that_can_are_taken() -> None:
    def of(*labels: str) -> UseCase:
        return parse(UseCase, CONTRACT | {"task": CONTRACT["task"] | {"labels": list(labels)}}, "contract")

    for labels in (("caf\u00e9", "cafe\u0301"), ("bill", " bill"), ("praise", "bill", "praise\u3000")):
        with pytest.raises(BadInput, match=r"task\.labels.*cannot be told apart.*data\.sources"):
            check_contract(of(*labels))
    for labels in (("-1", "1"), ("C", "C++"), ("Ham", "HAM"), ("a", "the"), ("-", "+"), ("राम", "रमा")):
        check_contract(of(*labels))
