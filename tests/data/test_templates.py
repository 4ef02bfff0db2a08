"""Rows of logs and sensors, whose text is made of several fields."""

from pathlib import Path
from typing import Any

import pytest

from components.core import BadInput, GateRefused, Source, Task
from components.data.read import Record, read_source

from .conftest import QUESTIONS, REVIEWS, Bench, write

ROWS = [
    {"sensor": "A7", "time": "2024-02-29T12:00", "value": 21.5, "state": "good"},
    {"sensor": "{{value}}", "time": "12:01", "value": 3, "state": "bad"},
    {"sensor": "B1", "time": None, "value": 9, "state": "bad"},
]
TEXT = "Sensor {{sensor}} at {{ time }}: {{value}}"


def read(folder: Path, templates: dict[str, str], role: str = "examples", **more: Any) -> list[Record]:
    path = write(folder / "log.jsonl", ROWS)
    given: dict[str, Any] = {"name": "log", "path": "log.jsonl", "licence": "CC0-1.0", "origin": "made for a test", **more}
    return read_source(
        Source(role=role, templates=templates, **given), 0, path, REVIEWS if role == "examples" else QUESTIONS
    )


def test_a_text_is_made_of_fields_and_a_row_that_lacks_one_is_set_aside(tmp_path: Path) -> None:
    assert read(tmp_path, {"text": TEXT}, fields={"label": "state"}) == [
        Record(1, text="Sensor A7 at 2024-02-29T12:00: 21.5", answer="good"),
        Record(2, text="Sensor {{value}} at 12:01: 3", answer="bad"),
        Record(3, answer="bad", fault="it has no 'time', which the template of 'text' names"),
    ]


def test_a_template_stands_before_what_the_file_calls_by_another_of_its_names(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [{"question": "x", "text": "y", "answer": "1", "sensor": "A7"}])
    source = Source(
        name="log", role="examples", path="log.jsonl", licence="mit", origin="tests", templates={"text": "Is {{sensor}} on?"}
    )
    assert [record.text for record in read_source(source, 0, path, QUESTIONS)] == ["Is A7 on?"]


@pytest.mark.parametrize("role", ["knowledge", "unlabelled"])
def test_a_template_serves_other_roles(tmp_path: Path, role: str) -> None:
    ours = "passage" if role == "knowledge" else "text"
    first = read(tmp_path, {ours: "{{sensor}}: {{state}}"}, role)[0]
    assert (first.passage if role == "knowledge" else first.text) == "A7: good"


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ({"text": "{{place}}"}, r"templates\.text: .*log\.jsonl: no row has the field 'place'; found: sensor, state, time"),
        ({"text": "Sensor {sensor}"}, r"templates\.text: it names no field of the file; write one as \{\{field\}\}"),
        ({"txt": "{{sensor}}"}, r"templates: key 'txt' is not known; allowed: text"),
    ],
)
def test_a_template_that_no_row_can_fill_is_refused_with_its_key(
    tmp_path: Path, templates: dict[str, str], said: str
) -> None:
    with pytest.raises(BadInput, match=rf"data\.sources\.0\.{said}"):
        read(tmp_path, templates, fields={"label": "state"})


PAIRS = {"name": "pairs", "path": "pairs.csv", "templates": {"text": "Premise: {{premise}}\nClaim: {{ claim }}"}}
JUDGE = Task(kind="classification", instruction="Does the claim follow?", labels=["entailment", "neutral", "contradiction"])


def pairs(count: int = 30) -> list[str]:
    """Made by rule: of a premise follow its own parts, not their contrary, and nothing about another place."""
    claims = (("it rained", "entailment"), ("it was dry", "contradiction"), ("it was Monday", "neutral"))
    said = (claims[i % 3] for i in range(count))
    rows = (f'"It rained and snowed in town {i} , {{{{claim}}}}",{claim},{label}' for i, (claim, label) in enumerate(said))
    return ["premise,claim,label", *rows]


def test_a_premise_and_a_claim_are_one_input(bench: Bench) -> None:
    write(bench.folder / "pairs.csv", pairs())
    found = bench.prepare(JUDGE, bench.data(PAIRS))
    rows = [row for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)]
    seventh = next(row for row in rows if "town 7 " in row.text)
    # what a text holds in braces is text
    assert seventh.text == "Premise: It rained and snowed in town 7 , {{claim}}\nClaim: it was dry"
    assert seventh.answer == "contradiction"


def test_a_pair_of_which_one_half_is_missing_is_set_aside_with_the_reason(bench: Bench) -> None:
    lines = pairs()
    lines[5] = "It rained,,neutral"
    write(bench.folder / "pairs.csv", lines)
    with pytest.raises(GateRefused, match=r"line 6; it has no 'claim', which the template of 'text' names"):
        bench.prepare(JUDGE, bench.data(PAIRS, quarantine_at_most=0))
    assert "1 bad rows set aside" in bench.prepare(JUDGE, bench.data(PAIRS, quarantine_at_most=0.1)).decision.reason


def test_a_field_of_that_name_does_not_replace_what_the_template_makes(bench: Bench) -> None:
    rows = [{"text": f"letter {i}", "title": f"title {i}", "label": "neutral"} for i in range(30)]
    write(bench.folder / "mail.jsonl", rows)
    found = bench.prepare(
        JUDGE, bench.data({"name": "mail", "path": "mail.jsonl", "templates": {"text": "{{title}}: {{text}}"}})
    )
    texts = {row.text for name in found.dataset.splits for row in found.dataset.rows(name, bench.store)}
    assert "title 3: letter 3" in texts


def test_a_name_has_a_field_or_a_template(bench: Bench) -> None:
    source = {"name": "log", "path": "log.jsonl", "fields": {"text": "state"}, "templates": {"text": TEXT}}
    with pytest.raises(BadInput, match="templates: 'text' stands under fields too"):
        bench.data(source)
