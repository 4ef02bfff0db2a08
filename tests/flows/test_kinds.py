"""Use cases of the other kinds go through all nine stages from their YAML alone, on the smoke profile."""

import json
from pathlib import Path

import jsonschema
import pytest

from components.core import STAGES
from components.core.code import ROOT
from components.tasks import kind_of
from tests.conftest import new_home, ninefold

pytestmark = pytest.mark.slow

CHINESE = ROOT / "tests/cases/07-chinese-questions/chinese.yaml"
FILMS = ROOT / "flows/use_cases/film_reviews.yaml"
MINUTES = """\
name: minutes
problem: Editors shorten the minutes of long meetings by hand.
owner: town hall
task: {kind: summarization, instruction: Summarise the minutes in one sentence.}
data: {sources: [{name: minutes, role: examples, path: minutes.jsonl, licence: LicenseRef-internal, origin: town hall}],
       splits: {train: 60, feedback: 16, validation: 16, test: 60}}
metrics: {primary: rouge_l, at_least: 0.1}
limits: {latency_p95_seconds: 20, memory_gb: 4, cost_per_1000_answers: 1}
value: {answers_per_month: 200, saving_per_good_answer: 2, machine_hour: 0.2}
"""


def walked(home: Path, use_case: Path, servers: dict[str, str]) -> dict:
    """The summary of a smoke run to its end, whether the gate said yes or no; only its own words reached the screen."""
    done = ninefold(home, "run", str(use_case), "--profile", "smoke", servers=servers)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    (summary,) = (json.loads(path.read_text()) for path in (home / "runs").glob("*/summary.json"))
    jsonschema.validate(summary, json.loads((ROOT / "flows/summary.schema.json").read_text()))
    assert [stage["name"] for stage in summary["stages"]] == list(STAGES)
    assert summary["stages"][6]["status"] == "ran"
    assert Path(summary["card"]).is_file()
    return summary


@pytest.mark.long  # test_specialised.py takes texts with labels through the stages, up to an endpoint
def test_texts_with_labels(tmp_path, prefect_server):
    summary = walked(new_home(tmp_path / "home"), FILMS, prefect_server)
    assert summary["test"]["primary"] == "accuracy"
    assert summary["test"]["metrics"]["accuracy"]["value"] > 0.3


def test_documents_longer_than_any_prompt_with_summaries(tmp_path, prefect_server):
    (tmp_path / "minutes.yaml").write_text(MINUTES)
    rows = []
    for number in range(170):
        first = f"The council of Town{number:03} voted to repair bridge {number} before the winter ."
        rest = " ".join(
            f"Speaker {number}x{line} of Town{number:03} thanked the clerk and had nothing to add ." for line in range(45)
        )
        rows.append({"document": f"{first} {rest}", "summary": f"Town{number:03} will repair bridge {number} ."})
    (tmp_path / "minutes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = walked(new_home(tmp_path / "home"), tmp_path / "minutes.yaml", prefect_server)
    assert summary["test"]["metrics"]["rouge_l"]["value"] > 0.1


LEASES = """\
name: leases
problem: Tenants ask what their lease says.
owner: housing office
task: {kind: question_answering, instruction: Answer from the lease., context: given, answers: quoted, abstain: none}
data: {sources: [{name: leases, role: examples, path: leases.jsonl, licence: LicenseRef-internal, origin: housing office}],
       splits: {train: 120, feedback: 30, validation: 40, test: 60}}
metrics: {primary: f1, at_least: 0.1}
slices: [question_type, length]
limits: {latency_p95_seconds: 20, memory_gb: 4, cost_per_1000_answers: 1}
value: {answers_per_month: 200, saving_per_good_answer: 2, machine_hour: 0.2}
"""


@pytest.mark.long
def test_two_questions_of_many_texts(tmp_path, prefect_server):
    """Each text comes with its question: nothing is searched for, and no row leaks another."""
    (tmp_path / "leases.yaml").write_text(LEASES)
    rows = []
    for number in range(130):
        dogs = ("Dogs are welcome in every room.", "Dogs are not allowed in the house.", "")[number % 3]
        text = f"Lease {number}, of the flat on floor {number} to tenant {number}. The rent is {500 + number} euro. {dogs}"
        rows.append({"question": "What is the rent?", "answer": f"{500 + number} euro", "context": text})
        rows.append({"question": "Are dogs allowed?", "answer": dogs[9:25].rstrip() or "none", "context": text})
    (tmp_path / "leases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = walked(new_home(tmp_path / "home"), tmp_path / "leases.yaml", prefect_server)
    skipped = summary["stages"][3]
    assert (skipped["status"], skipped["decision"]["reason"]) == ("skipped", "each question comes with its text")
    assert summary["data"]["metrics"]["overlaps_removed"] == 0
    assert summary["test"]["metrics"]["f1"]["value"] > 0.1
    assert "hit@1" not in summary["test"]["metrics"]
    assert "Each question comes with the text that it is about" in Path(summary["card"]).read_text()


@pytest.mark.long
def test_questions_in_a_script_without_spaces(tmp_path, prefect_server):
    """The search finds the town's passage, and the card says what is only measured in English."""
    home = new_home(tmp_path / "home")
    summary = walked(home, CHINESE, prefect_server)
    figures = summary["test"]["metrics"]
    assert figures["hit@1"]["value"] > 0.9
    assert figures["f1"]["value"] > 0
    unmeasured = "\n".join(summary["not_measured"])
    for part in (
        "toxicity",
        "refusal",
        "swaps",
        "groups of people that rows name",
        "personal data in words (PII recognisers)",
    ):
        assert f"{part}: not measured: English only (task.language is 'zh')" in unmeasured
    assert "not measured: English only" in Path(summary["card"]).read_text()


def of_points(number: int) -> tuple[str, str]:
    return (
        f"- bridge {number} of Town{number:03}\n- repaired before the winter",
        f"The council of Town{number:03} has decided that bridge {number} is repaired before the winter of this year .",
    )


def of_one_person(number: int) -> tuple[str, str]:
    text = f"Ann{number} met Ben{number} in Town{number:03} , and then she sold house {number} to Eve{number} ."
    return text, text.replace(f"Ann{number}", f"[Ann{number}](1)").replace("she", "[she](1)")


def of_roles(number: int) -> tuple[str, str]:
    text = f"In Town{number:03} the clerk of office {number} sold house {number} to Eve{number} last Monday ."
    marked = text.replace("sold", "[sold](1 V)").replace(f"to Eve{number}", f"to [Eve{number}](1 A2)")
    return text, marked.replace(f"house {number}", f"[house {number}](1 A1)")


MARKED = """\
name: marked
problem: Clerks mark up reports by hand.
owner: town hall
task: {{kind: {kind}, instruction: Do it as the clerks do.}}
data: {{sources: [{{name: rows, role: examples, path: rows.jsonl, licence: LicenseRef-internal, origin: town hall}}],
       splits: {{train: 60, feedback: 16, validation: 16, test: 60}}}}
metrics: {{primary: {metric}, at_least: 0.1}}
limits: {{latency_p95_seconds: 20, memory_gb: 4, cost_per_1000_answers: 1}}
value: {{answers_per_month: 200, saving_per_good_answer: 2, machine_hour: 0.2}}
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "rule"), [("expansion", of_points), ("coreference", of_one_person), ("semantic_roles", of_roles)]
)
def test_rows_by_rule_of_kinds_that_write_whole_texts(tmp_path, prefect_server, kind, rule):
    metric, columns = kind_of(kind).metrics[0], kind_of(kind).columns
    (tmp_path / "marked.yaml").write_text(MARKED.format(kind=kind, metric=metric))
    rows = [dict(zip(columns, rule(number), strict=True)) for number in range(170)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = walked(new_home(tmp_path / "home"), tmp_path / "marked.yaml", prefect_server)
    assert summary["test"]["primary"] == metric
    assert set(summary["test"]["metrics"]) >= set(kind_of(kind).metrics)
