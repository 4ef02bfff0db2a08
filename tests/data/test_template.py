"""Inputs made of several columns: pairs of a premise and a claim."""

import json
import re

import pytest

from components.core import BadInput, GateRefused, Task

from .conftest import Bench, write

TASK = Task(kind="classification", instruction="Does the claim follow?", labels=["entailment", "neutral", "contradiction"])
PAIRS = {"name": "pairs", "path": "pairs.csv", "template": "Premise: {{premise}}\nClaim: {{ claim }}"}


def pairs(count: int = 30) -> list[str]:
    """Made by rule: of a premise follow its own parts, not their contrary, and nothing about another place."""
    claims = (("it rained", "entailment"), ("it was dry", "contradiction"), ("it was Monday", "neutral"))
    said = (claims[i % 3] for i in range(count))
    rows = (f'"It rained and snowed in town {i} , {{{{claim}}}}",{claim},{label}' for i, (claim, label) in enumerate(said))
    return ["premise,claim,label", *rows]


def test_two_columns_are_one_input(bench: Bench) -> None:
    write(bench.folder / "pairs.csv", pairs())
    found = bench.prepare(TASK, bench.data(PAIRS))
    rows = [row for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)]
    number = next(row for row in rows if "town 7 " in row.text)
    # what a text holds in braces is text
    assert number.text == "Premise: It rained and snowed in town 7 , {{claim}}\nClaim: it was dry"
    assert number.answer == "contradiction"


def test_a_pair_of_which_one_half_is_missing_is_set_aside_with_the_reason(bench: Bench) -> None:
    lines = pairs()
    lines[5] = "It rained,,neutral"
    write(bench.folder / "pairs.csv", lines)
    with pytest.raises(GateRefused, match=r"line 6; its field 'claim', which data\.sources\.template names, is missing"):
        bench.prepare(TASK, bench.data(PAIRS, quarantine_at_most=0))
    found = bench.prepare(TASK, bench.data(PAIRS, quarantine_at_most=0.1))
    assert "1 bad rows set aside" in found.decision.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"template": "Is it so?"}, "data.sources.0.template: it names no field; write each of them as the file does"),
        ({"fields": {"text": "premise"}}, "data.sources.0.template: it makes the input, which data.sources.0.fields.text"),
        ({"role": "knowledge"}, "data.sources.0.template: it makes inputs, and a source with the role 'knowledge'"),
        (
            {"template": "{{premise}} {{hypothesis}}"},
            "pairs.csv: no row has the field 'hypothesis' of data.sources.0.template; found: claim, label, premise",
        ),
    ],
)
def test_a_template_that_cannot_be_filled_is_named_by_its_key(change: dict, said: str, bench: Bench) -> None:
    write(bench.folder / "pairs.csv", pairs())
    with pytest.raises(BadInput, match=re.escape(said)):
        bench.prepare(TASK, bench.data(PAIRS | change, PAIRS | {"name": "others"}))


def test_a_field_of_that_name_does_not_replace_what_the_template_makes(bench: Bench) -> None:
    rows = [{"text": f"letter {i}", "title": f"title {i}", "label": "neutral"} for i in range(30)]
    (bench.folder / "mail.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = bench.data({"name": "mail", "path": "mail.jsonl", "template": "{{title}}: {{text}}"})
    found = bench.prepare(TASK, data)
    texts = {row.text for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)}
    assert "title 3: letter 3" in texts
