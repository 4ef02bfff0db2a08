import re

import pytest
import yaml

from components.core import BadInput, Labelling, Synthetic, UseCase, parse, read_yaml
from tests.pages import blocks, page

CONTRACT = """
name: help
problem: answer
owner: desk
risk_tier: low
task: {kind: question_answering, instruction: Answer the question., abstain: unknown}
data:
  sources: [{name: rows, role: examples, path: rows.jsonl, licence: cc0-1.0, origin: here}]
  splits: {train: 10, validation: 5, test: 5}
metrics: {primary: f1, at_least: 0.1}
limits: {latency_p95_seconds: 5, memory_gb: 4, cost_per_1000_answers: 1}
value: {answers_per_month: 1000, saving_per_good_answer: 1, machine_hour: 0.1}
deployment: {model_name: help}
"""


def read(tmp_path, text):
    path = tmp_path / "help.yaml"
    path.write_text(text)
    return read_yaml(path, UseCase)


def test_a_contract_is_read(tmp_path):
    assert read(tmp_path, CONTRACT).task.abstain == "unknown"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "owner: desk",
            "owner: desk\nownr: desk",
            "key 'ownr' is not known; allowed here: approvals, data, data_statement, dep",
        ),
        ("train: 10", "train: ten", "key 'data.splits.train'"),
        ("at_least: 0.1", "at_least: 1.7", "key 'metrics.at_least': Input should be less than or equal to 1 (found 1.7)"),
        ("owner: desk", "", "key 'owner' is required"),
        (
            "at_least: 0.1",
            "at_least: 0.1, slices_worse_at_most: {length: 0.1}",
            "help.yaml: metrics.slices_worse_at_most: length is no slice of this use case (none; name some under 'slices')",
        ),
        (
            "at_least: 0.1",
            "at_least: 0.1, slices_worse_at_most: {length: 2}",
            "key 'metrics.slices_worse_at_most.length': Input should be less than or equal to 1",
        ),
        ("licence: cc0-1.0", "license: cc0-1.0", "key 'data.sources.0.license' is not known; allowed here: fields"),
        ("risk_tier: low", "risk_tier: none", "'low', 'medium' or 'high'"),
        ("name: help\nproblem", "name: [\nproblem", "not valid YAML"),
        ("owner: desk", 'owner: "a \\uD800 b"', r"holds '\ud800', half of a character"),
        ("path: rows.jsonl", 'path: ""', "key 'data.sources.0.path': String should have at least 1 character"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_what_is_allowed(tmp_path, old, new, said):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, CONTRACT.replace(old, new, 1))
    assert said in str(caught.value)
    assert "help.yaml" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_mistake_in_a_list_is_one_message(tmp_path):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, CONTRACT.replace("name: rows", "name: hr/rows"))
    assert str(caught.value).count("\n") == 0
    assert str(caught.value).startswith(f"{tmp_path / 'help.yaml'}: key 'data.sources.0.name': use letters")
    with pytest.raises(BadInput, match=r"key 'data\.sources': Tuple should have at least 1 item"):
        read(tmp_path, re.sub(r"sources: .*", "sources: []", CONTRACT))


@pytest.mark.parametrize(
    ("tier", "policy", "found"),
    [
        ("high", "", "refuse"), ("medium", "", "allow"), ("low", "policy: {use: research}", "allow"),
        ("high", "policy: {use: research}", "refuse"), ("high", "policy: {not_shown: allow}", "allow"),
        ("low", "policy: {not_shown: refuse}", "refuse"),
    ],
)  # fmt: skip
def test_what_is_not_shown_is_refused_where_the_risk_is_high_or_the_contract_says_so(tmp_path, tier, policy, found):
    contract = read(tmp_path, CONTRACT.replace("risk_tier: low", f"risk_tier: {tier}") + policy)
    assert contract.policy.not_shown == found
    assert UseCase.model_validate(contract.model_dump(mode="json")) == contract
    with pytest.raises(BadInput, match=r"key 'policy\.not_shown': Input should be 'allow' or 'refuse'"):
        read(tmp_path, CONTRACT + "policy: {not_shown: maybe}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"none\.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml", UseCase)


def test_the_made_rows_of_the_docs_are_understood():
    (block,) = (block for block in blocks(page("data"), "yaml") if "labelling:" in block)
    labels, questions = yaml.safe_load_all(block)
    assert len(parse(Labelling, labels["data"]["labelling"], "docs").functions) == 2
    assert parse(Synthetic, questions["data"]["synthetic"], "docs").rows == 400
