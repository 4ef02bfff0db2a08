"""What `ninefold plan` says, and refuses, before anything runs."""

import json
from pathlib import Path

import pytest

from components.core import Profile, UseCase, read_yaml
from components.core.code import ROOT
from flows.plan import estimate
from tests.conftest import new_home, ninefold

REVIEWS = ROOT / "flows/use_cases/film_reviews.yaml"


def test_made_rows_cost_twice_the_tuning_and_nothing_else():
    profile = read_yaml(ROOT / "flows/profiles/cpu.yaml", Profile)
    data = read_yaml(ROOT / "flows/use_cases/voice_helpdesk.yaml", UseCase).data
    (first, *others) = data.sources
    asked = data.model_copy(update={"sources": (first.model_copy(update={"synthetic": True}), *others)})
    assert estimate("tuning", profile, asked) == 2 * estimate("tuning", profile, data)
    assert estimate("prompting", profile, asked) == estimate("prompting", profile, data)
    assert not data.has_made_rows, "the shipped contracts make none"


def changed(folder: Path, old: str, new: str) -> Path:
    """The film reviews' contract with one change."""
    path, text = folder / "films.yaml", REVIEWS.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("label: label}", "label: lable}", "no row has the field 'lable'; found: label, text"),
        ('"0": negative', '"7": negative', "97 of 200 rows fail (first: line 3, '0'; answer is not one of task.labels)"),
        ("train: 80", "train: 800", "rows for the splits: found 200, needed 736"),
        ("deployment: {", "prompting: {rows: [8]}\ndeployment: {", "keys 'rows' [8] and 'keep' [4, 2, 1] must have"),
    ],
    ids=["field", "label", "rows", "setting"],
)
def test_plan_and_run_refuse_what_the_first_rows_or_the_settings_show(tmp_path: Path, old: str, new: str, said: str) -> None:
    home, contract = new_home(tmp_path / "home"), changed(tmp_path, old, new)
    plan, run = (ninefold(home, command, str(contract), "--profile", "gpu") for command in ("plan", "run"))
    assert (plan.returncode, run.returncode) == (2, 2), plan.stdout + run.stdout
    assert said in plan.stderr
    assert run.stderr.endswith(plan.stderr)
    assert not (home / "store").exists(), "nothing was begun"


def test_plan_says_what_feasibility_refuses_from_the_contract_alone(tmp_path: Path) -> None:
    home, contract = new_home(tmp_path / "home"), changed(tmp_path, "use: research", "use: production")
    done = ninefold(home, "plan", str(contract), "--json")
    report = json.loads(done.stdout)
    assert "use_case: not feasible: licence of 'imdb': found LicenseRef-IMDB-reviews-research" in report["end"]
    assert {row["status"] for row in report["stages"]} == {"not reached"}
