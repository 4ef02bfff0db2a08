"""Use cases that are tuned together, from their files: what is refused, what a plan says, and a whole run up to tuning."""

import json
from pathlib import Path

import jsonschema
import pytest

from components.core import BadInput, Store, Workspace
from components.core.code import ROOT
from components.lineage.graph import _Builder
from flows.estimate import case_of, seconds_of_stages, seconds_together
from flows.foreseen import look_at_rows
from flows.run import Run
from tests.conftest import RATES, new_home, ninefold

LEASES = """\
name: leases
problem: Tenants ask what their lease says.
owner: housing office
task: {kind: question_answering, instruction: Answer from the lease., context: given, answers: quoted, abstain: none}
data: {sources: [{name: leases, role: examples, path: leases.jsonl, licence: LicenseRef-internal, origin: housing office}],
       splits: {train: 60, feedback: 16, validation: 16, test: 60}}
metrics: {primary: f1, at_least: 0.1}
limits: {latency_p95_seconds: 20, memory_gb: 4, cost_per_1000_answers: 1}
value: {answers_per_month: 200, saving_per_good_answer: 2, machine_hour: 0.2}
tuning: {together: [letters.yaml]}
"""
LETTERS = """\
name: letters
problem: Letters of tenants are sorted by hand.
owner: housing office
task: {kind: classification, instruction: Sort the letter., labels: [repair, rent]}
data: {sources: [{name: letters, role: examples, path: letters.jsonl, licence: CC-BY-4.0, origin: post room}],
       splits: {train: 60, feedback: 16, validation: 16, test: 60}}
metrics: {primary: accuracy, at_least: 0.1}
limits: {latency_p95_seconds: 20, memory_gb: 4, cost_per_1000_answers: 1}
value: {answers_per_month: 200, saving_per_good_answer: 2, machine_hour: 0.2}
tuning: {together: [leases.yaml]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two use cases, each of which names the other."""
    leases, letters = [], []
    for n in range(90):
        dogs = ("Dogs are welcome in every room.", "Dogs are not allowed in the house.", "")[n % 3]
        text = f"Lease {n}, of the flat on floor {n} to tenant {n}. The rent is {500 + n} euro. {dogs}"
        leases.append({"question": "What is the rent?", "answer": f"{500 + n} euro", "context": text})
        leases.append({"question": "Are dogs allowed?", "answer": dogs[9:25].rstrip() or "none", "context": text})
    for n in range(170):
        what = (
            f"the {('boiler', 'window', 'door')[n % 3]} of room{n} is {'broken since day' if n % 2 else 'paid until day'}{n}"
        )
        letters.append({"text": f"tenant{n} of flat{n} writes that {what}", "label": "repair" if n % 2 else "rent"})
    for name, contract, rows in (("leases", LEASES, leases), ("letters", LETTERS, letters)):
        (tmp_path / f"{name}.yaml").write_text(contract)
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(new_home(tmp_path_factory.mktemp("together")))


@pytest.mark.parametrize(
    ("named", "changed", "said"),
    [
        ("gone.yaml", {}, r"gone\.yaml: no such file\. Give the path of a use case's YAML"),
        ("leases.yaml", {}, r"leases\.yaml is this use case itself"),
        ("letters.yaml", {"name: letters\n": "name: leases\n"}, r"letters\.yaml is called 'leases', as leases\.yaml is"),
        ("letters.yaml", {"rent]}": "rent], language: de}"}, "tuned here: it does not cover the language 'de'"),
        ("letters.yaml", {"CC-BY-4.0": "CC-BY-NC-4.0"}, r"licence of 'letters' is CC-BY-NC-4.0, and this use case needs a"),
        ("letters.yaml", {"\ntuning": "\nselection: {dtype: bfloat16}\ntuning"}, r"its selection\.dtype is bfloat16, and"),
        ("letters.yaml", {"instruction": "instruktion"}, r"letters\.yaml: key 'task\.instruction' is required"),
        ("letters.yaml", {"role: examples": "role: knowledge"}, r"data\.sources: no source holds example rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_tuned_together_is_refused_before_anything_runs(
    folder: Path, workspace: Workspace, named: str, changed: dict[str, str], said: str
) -> None:
    own, other = folder / "leases.yaml", folder / "letters.yaml"
    own.write_text(LEASES.replace("letters.yaml]", f"{named}]").replace("\ntuning", "\nselection: {dtype: float32}\ntuning"))
    text = LETTERS
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    if "selection" not in text:
        text = text.replace("\ntuning", "\nselection: {dtype: float32}\ntuning")
    other.write_text(text)
    profile = "cpu" if "language" in text else "smoke"
    with pytest.raises(BadInput, match=said) as refused:
        Run.read(own, profile, workspace).check_settings()
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)


def test_a_run_is_another_where_the_other_use_case_or_its_rows_are(folder: Path, workspace: Workspace) -> None:
    def key(contract: str) -> str:
        (folder / "letters.yaml").write_text(contract)
        return Run.read(folder / "leases.yaml", "smoke", workspace).key

    changed = LETTERS.replace("Sort the letter", "Sort this letter")
    before, after = key(LETTERS), key(changed)
    with (folder / "letters.jsonl").open("a") as file:
        file.write(json.dumps({"text": "one more letter", "label": "rent"}) + "\n")
    more = key(changed)
    assert len({before, after, more}) == 3
    assert key(changed.replace("[leases.yaml]", "[]")) == more, "what the other one names in turn does not concern it"


def test_a_plan_knows_what_the_others_rows_cost(folder: Path, workspace: Workspace) -> None:
    run = Run.read(folder / "leases.yaml", "smoke", workspace)
    extra = seconds_together(run, case_of(run, look_at_rows(run), RATES))
    (folder / "leases.yaml").write_text(LEASES.replace("[letters.yaml]", "[]"))
    alone = Run.read(folder / "leases.yaml", "smoke", workspace)
    case = case_of(alone, look_at_rows(alone), RATES)
    assert seconds_together(alone, case) == 0
    both = seconds_of_stages(run, case_of(run, look_at_rows(run), RATES))
    assert both["tuning"] - seconds_of_stages(alone, case)["tuning"] == pytest.approx(extra, abs=0.2)
    assert extra > 6, "the other's data is prepared too"


@pytest.mark.slow
def test_two_kinds_of_task_are_tuned_together(folder: Path, prefect_server: dict[str, str]) -> None:
    home, use_case = new_home(folder / "home"), str(folder / "leases.yaml")
    assert "to train once more, together with letters" in ninefold(home, "plan", use_case, "--profile", "smoke").stdout
    done = ninefold(home, "run", use_case, "--profile", "smoke", "--until", "tuning", servers=prefect_server)
    assert done.returncode == 0, done.stderr
    assert "tuned together" in done.stdout
    (path,) = home.glob("runs/*/until-tuning.json")
    summary = json.loads(path.read_text())
    jsonschema.validate(summary, json.loads((ROOT / "flows/summary.schema.json").read_text()))
    (row,) = summary["together"]
    licences = {one["use_case"]: one["sources"][0]["licence"] for one in row["taught"]}
    assert licences == {"leases": "LicenseRef-internal", "letters": "CC-BY-4.0"}
    graph = _Builder(Store(home / "store"))
    (tuned,) = (seal for seal in graph.seals if seal.name == "components.tuning.tune")
    job = graph.job(tuned)
    read = [edge.source for edge in graph.edges.values() if edge.target == job]
    assert sum(graph.nodes[source].name == "train" for source in read) == 2, "the training rows of both"
    assert {node.name for node in graph.nodes.values() if node.kind == "source"} == {"leases", "letters"}
