"""What `ninefold plan` says, and refuses, before anything runs."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.core import Workspace
from components.core.code import ROOT
from components.core.rates import Rates
from flows.environment import NO_TELEMETRY
from flows.estimate import FIXED, RUNG, Case, case_of, seconds_of_stages, without_ladder
from flows.foreseen import look_at_rows
from flows.run import Run
from tests.conftest import RATES, environment, new_home, ninefold

REVIEWS = ROOT / "flows/use_cases/film_reviews.yaml"
CI = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILDKITE", "CI_NAME")
"""What Prefect takes for a machine of nobody, and writes nothing."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(new_home(tmp_path_factory.mktemp("plan")))


def seconds(workspace: Workspace, name: str = "voice_helpdesk", profile: str = "cpu", fast: Rates = RATES, **data: Any):
    """Stage → seconds of a shipped use case. data: changes of its section `data`."""
    run = Run.read(Path(name), profile, workspace)
    case = case_of(run, look_at_rows(run), fast)
    run = replace(run, use_case=run.use_case.model_copy(update={"data": run.use_case.data.model_copy(update=data)}))
    return seconds_of_stages(run, replace(case, **rows_of(run, case)))


def rows_of(run: Run, case: Case) -> dict[str, Any]:
    """What of a case follows from the changed section `data`."""
    splits, trainings = run.use_case.data.splits.model_dump(), 2 if run.use_case.data.has_made_rows else 1
    return {"rows": {name: splits.get(name, count) for name, count in case.rows.items()}, "trainings": trainings}


def test_twice_the_rows_take_about_twice_the_seconds_of_the_stages_that_read_them(workspace: Workspace) -> None:
    splits = Run.read(Path("film_reviews"), "cpu", workspace).use_case.data.splits
    few, many = (
        seconds(workspace, "film_reviews", splits=splits.model_copy(update={"train": rows})) for rows in (8_000, 16_000)
    )
    assert many["tuning"] == pytest.approx(2 * few["tuning"], rel=0.05)
    assert {stage for stage in few if few[stage] != many[stage]} == {"tuning"}
    few, many = (
        seconds(workspace, "film_reviews", splits=splits.model_copy(update={"test": rows})) for rows in (8_000, 16_000)
    )
    assert many["evaluation"] == pytest.approx(2 * few["evaluation"], rel=0.05)
    assert {stage for stage in few if few[stage] != many[stage]} == {"evaluation", "optimization"}


def test_made_rows_cost_twice_the_tuning(workspace: Workspace) -> None:
    sources = Run.read(Path("voice_helpdesk"), "cpu", workspace).use_case.data.sources
    made = (sources[0].model_copy(update={"synthetic": True}), *sources[1:])
    once, twice = seconds(workspace, sources=sources), seconds(workspace, sources=made)
    fixed = FIXED["tuning"] + RUNG
    assert twice["tuning"] - fixed == pytest.approx(2 * (once["tuning"] - fixed), abs=0.2)
    assert twice["prompting"] == once["prompting"]


def test_documents_are_read_before_the_rows(workspace: Workspace) -> None:
    run = Run.read(Path("film_reviews"), "cpu", workspace)
    case = replace(case_of(run, look_at_rows(run), RATES), documents=(400, 200.0))

    def tuning(**pretraining: object) -> float:
        asked = run.use_case.model_copy(update={"tuning": {"pretraining": pretraining or None}})
        return seconds_of_stages(replace(run, use_case=asked), case)["tuning"]

    measured = {"perplexity_tokens": 100}
    once, twice, capped = (tuning(**measured, **more) for more in ({"epochs": 1}, {"epochs": 2}, {"documents_at_most": 10}))
    assert tuning() < capped < once < twice < 3 * once


def test_folds_are_trainings_more_and_training_rows_that_are_answered(workspace: Workspace) -> None:
    def tuning(folds: int | None) -> float:
        run = Run.read(Path("voice_helpdesk"), "cpu", workspace)
        case = case_of(run, look_at_rows(run), RATES)
        run = replace(run, use_case=run.use_case.model_copy(update={"tuning": {"folds": folds}}))
        return seconds_of_stages(run, case)["tuning"] - FIXED["tuning"] - RUNG

    none, two, four = tuning(None), tuning(2), tuning(4)
    assert 1.5 * none < two < four < 5 * none
    assert four - two > 0.5 * none, "half of two trainings more"


def test_a_search_takes_its_minutes_and_at_least_its_first_trial(workspace: Workspace) -> None:
    def tuning(minutes: float | None) -> float:
        run = Run.read(Path("film_reviews"), "cpu", workspace)
        case = case_of(run, look_at_rows(run), RATES)
        run = replace(run, use_case=run.use_case.model_copy(update={"tuning": {"minutes": minutes}}))
        return seconds_of_stages(run, case)["tuning"] - FIXED["tuning"] - RUNG

    once, short, long = tuning(None), tuning(0.01), tuning(600)
    assert 1.5 * once - 1 < short < 2.5 * once + 1
    assert 36_000 < long < 36_000 + once


def test_leaving_elements_out_and_adding_some_is_foreseen(workspace: Workspace) -> None:
    def prompting(**settings: object) -> float:
        run = Run.read(Path("film_reviews"), "cpu", workspace)
        case = case_of(run, look_at_rows(run), RATES)
        run = replace(run, use_case=run.use_case.model_copy(update={"prompting": settings}))
        return seconds_of_stages(run, case)["prompting"]

    plain, without, more = prompting(), prompting(leave_one_out=True), prompting(elements=["focus", "delimiters"])
    assert plain < more < without
    assert prompting(elements=["focus"]) - plain == pytest.approx((more - plain) / 2, rel=0.02)


def test_tuning_the_embedder_is_foreseen(workspace: Workspace) -> None:
    def retrieval(tuning: dict[str, object] | None) -> float:
        run = Run.read(Path("voice_helpdesk"), "cpu", workspace)
        case = case_of(run, look_at_rows(run), RATES)
        run = replace(run, use_case=run.use_case.model_copy(update={"retrieval": {"embedder_tuning": tuning}}))
        return seconds_of_stages(run, case)["retrieval"]

    none, three, six, wrong = (retrieval(one) for one in (None, {}, {"epochs": 6}, {"hard_negatives": 4}))
    assert none + 30 < three < six
    assert three < wrong


def test_a_faster_machine_takes_less_and_a_case_without_passages_retrieves_nothing(workspace: Workspace) -> None:
    fast = RATES.model_copy(
        update={
            "gigabytes_per_second": 2 * RATES.gigabytes_per_second,
            "gigaflops": {model: {dtype: 2 * rate for dtype, rate in own.items()} for model, own in RATES.gigaflops.items()},
        }
    )
    slow, quick = seconds(workspace), seconds(workspace, fast=fast)
    assert quick["tuning"] == pytest.approx(slow["tuning"] / 2, rel=0.1)
    assert sum(slow.values()) / 2 < sum(quick.values()) < sum(slow.values())
    assert seconds(workspace, "entities")["retrieval"] == 0
    assert sum(seconds(workspace, profile="smoke").values()) < sum(slow.values()) / 10


CARDS = RATES.model_copy(
    update={
        "gigabytes_per_second": 21.9,
        "gigaflops": {model: {"float32": 87.0, "bfloat16": 192.0, "int8": 300.0} for model in RATES.gigaflops},
    }
)
"""The machine of these cards, an AMD EPYC (docs/benchmarks.md)."""


@pytest.mark.parametrize(("name", "whole"), [("voice_helpdesk", True), ("news_summaries", True), ("film_reviews", False)])
def test_the_estimate_lies_within_a_factor_of_two_of_what_the_shipped_card_measured(
    workspace: Workspace, name: str, whole: bool
) -> None:
    """Of the help desk and the summaries, whose runs climbed every stage, and of the film reviews, whose plain baseline was
    enough."""
    record = json.loads((ROOT / f"model_cards/{name}/v1.record.json").read_text())
    measured = sum(own.get("seconds", 0) for own in record["measured"].values())
    run = Run.read(Path(name), "cpu", workspace)
    estimated = (seconds_of_stages if whole else without_ladder)(run, case_of(run, look_at_rows(run), CARDS))
    assert measured / 2 < sum(estimated.values()) < measured * 2


def test_what_a_profile_knows_of_a_stage_is_taken_from_there(workspace: Workspace, tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("name: mine\nseconds: {tuning: 77}\n")
    assert seconds(workspace, profile=str(profile))["tuning"] == 77


def test_plan_gives_a_range_and_says_that_it_is_an_estimate(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    report = json.loads(ninefold(home, "plan", "film_reviews", "--json").stdout)
    assert report["seconds"] == pytest.approx(sum(row["seconds"] for row in report["stages"]), abs=1)
    assert report["seconds_from"] < report["seconds"] / 2 < report["seconds"] < report["seconds_to"]
    said = " ".join(ninefold(home, "plan", "film_reviews").stdout.split())
    assert "min if every stage is climbed (" in said
    assert "an estimate from the case's rows and this machine's measured rates" in said


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


def test_plan_in_a_terminal_leaves_no_file(tmp_path: Path) -> None:
    """Prefect's client writes a device's name into its home, by default `~/.prefect`, when it is imported in a terminal."""
    home, user = new_home(tmp_path / "home"), tmp_path / "user"
    user.mkdir()

    def tree() -> set[str]:
        return {path.relative_to(tmp_path).as_posix() for place in (home, user) for path in place.rglob("*")}

    own = {name: value for name, value in environment(home).items() if name not in {*NO_TELEMETRY, *CI}}
    own |= {"HOME": str(user), "XDG_CACHE_HOME": str(user / "cache"), "XDG_CONFIG_HOME": str(user / "config")}
    before = tree()
    command = [sys.executable, "-m", "flows.cli", "plan", "film_reviews"]
    code = f"import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn({command!r})))"
    done = subprocess.run([sys.executable, "-c", code], env=own, cwd=user, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert b"a run starts at data" in done.stdout
    assert tree() - before == {"home/prefect"}, "an empty folder, which runs fill"
