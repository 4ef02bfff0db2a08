"""Every shipped YAML parses, agrees with itself, and is accepted by the stages whose settings it gives."""

import io
from importlib import import_module
from pathlib import Path

import pytest
from rich.console import Console

import flows
from components.core import STAGES, BadInput, Profile, UseCase, Workspace, parse, publish_json, read_yaml, stage_config
from components.measure.bounds import worsening
from components.use_case import check_contract
from flows.run import SUMMARISED, Run
from flows.view import ladder, table
from tests.conftest import new_home

FOLDER = Path(flows.__file__).parent
USE_CASES = sorted((FOLDER / "use_cases").glob("*.yaml"))
PROFILES = sorted((FOLDER / "profiles").glob("*.yaml"))


@pytest.mark.parametrize("path", USE_CASES, ids=lambda path: path.stem)
def test_a_shipped_use_case_is_a_contract_that_agrees_with_itself(path: Path) -> None:
    contract = read_yaml(path, UseCase)
    assert contract.name == path.stem == contract.deployment.model_name
    check_contract(contract)


@pytest.mark.parametrize("path", USE_CASES, ids=lambda path: path.stem)
def test_a_shipped_bound_is_one_that_the_planted_items_can_show(path: Path) -> None:
    contract, profile = read_yaml(path, UseCase), read_yaml(FOLDER / "profiles/cpu.yaml", Profile)
    settings = [
        stage_config(import_module(f"components.{word}.stage").Config, word, contract, profile)
        for word in ("tuning", "evaluation")
    ]
    planted = min(settings[0].canaries, settings[1].checks["canaries"])
    for bounds in (contract.policy.bias_at_most, contract.policy.failing_at_most):
        if "canaries" in bounds:
            assert worsening("canaries", [0.0] * planted, [0.0] * planted, bounds["canaries"]).verdict == "holds"


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_shipped_profile_gives_settings_that_the_data_stage_knows(path: Path) -> None:
    profile = read_yaml(path, Profile)
    assert profile.name == path.stem
    parse(import_module("components.data").Config, profile.data, str(path))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("word", [word for word in STAGES if word != "use_case"])
def test_every_stage_knows_the_settings_that_profiles_give_it(path: Path, word: str) -> None:
    profile = read_yaml(path, Profile)
    for use_case in USE_CASES:
        contract = read_yaml(use_case, UseCase)
        if getattr(profile, word, {}) or (isinstance(getattr(contract, word), dict) and getattr(contract, word)):
            stage_config(import_module(f"components.{word}.stage").Config, word, contract, profile)


def test_the_names_are_those_that_the_readme_and_the_make_targets_use() -> None:
    assert {path.stem for path in USE_CASES} >= {"voice_helpdesk", "film_reviews"}
    assert {path.stem for path in PROFILES} == {"smoke", "cpu", "ladder", "gpu"}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_final_table_fits_its_terminal_and_shows_every_word(width: int) -> None:
    reason = "f1_answerable 0.111 → 0.382 over the candidate at hand: the interval lies above 0"
    stage = {"name": "tuning", "status": "ran", "seconds": 61.0, "decision": {"verdict": "adopt", "reason": reason}}
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table({"use_case": "desk", "profile": "cpu", "stages": [stage]}, {"tuning": "0.111 → 0.382"}, width))
    shown = console.export_text()
    assert max(map(len, shown.splitlines())) <= width
    assert all(word in shown for word in [*reason.split(), "adopt", "0.111 → 0.382"])


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_the_ladders_table_fits_its_terminal(width: int) -> None:
    climbed = {
        "rung": "tuning.bottleneck", "stage": "tuning", "verdict": "does not meet", "reason": "f1 0.365, and 0.4 is enough",
        "trained_share": 0.0236, "latency_p50": 1.09, "memory_gb": 1.12, "megabytes": 382.4, 
        "cost_per_1000_answers": 0.00001,
    }  # fmt: skip
    above = {"rung": "preference", "stage": "feedback", "verdict": "not climbed", "reason": "tuning meets", "seconds": 90.0}
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(ladder({"ladder": [climbed, above]}, width))
    shown = console.export_text()
    assert max(map(len, shown.splitlines())) <= width
    assert all(word in shown for word in ("tuning.bottleneck", "not climbed", "0.365,", "90"))
    assert ("under 0.001" in shown) == (width >= 100)
    assert ("382 MB" in shown) == (width >= 140)


def test_seconds_of_what_ran_here_are_those_of_stages_that_ran_to_their_end(fetched: Path, tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    run = Run.read(FOLDER / "use_cases/voice_helpdesk.yaml", "cpu", Workspace(home))
    assert run.past_seconds() == {}
    past = (("a/until-tuning", 0, "ran", 7.0), ("b/summary", 1, "reused", 0.0), ("c/summary", 3, "ran", 0.1))
    for name, end, status, seconds in past:
        stages = [{"name": "tuning", "status": status, "seconds": seconds}]
        summary = dict.fromkeys(SUMMARISED) | {"exit": end, "stages": stages}
        publish_json(run.workspace.runs / f"voice_helpdesk-cpu-{name}.json", summary)
    assert run.past_seconds() == {"tuning": 7.0}


def test_a_gpu_profile_computes_on_the_cpu_where_there_is_no_gpu(fetched: Path, tmp_path: Path, monkeypatch) -> None:
    workspace, use_case = Workspace(new_home(tmp_path / "home")), FOLDER / "use_cases/voice_helpdesk.yaml"
    monkeypatch.setattr(flows.run, "GPU_DEVICES", (tmp_path / "no gpu",))
    run = Run.read(use_case, "gpu", workspace)
    assert (run.profile.machine.device, run.profile.deployment["targets"]) == ("cpu", ["endpoint", "vllm"])
    assert "no NVIDIA GPU here" in run.note
    monkeypatch.setattr(flows.run, "GPU_DEVICES", (tmp_path,))
    run = Run.read(use_case, "gpu", workspace)
    assert (run.profile.machine.device, run.note) == ("cuda", "")


def test_a_target_that_there_is_not_is_refused_before_the_first_stage(fetched: Path, tmp_path: Path) -> None:
    workspace, profile = Workspace(new_home(tmp_path / "home")), tmp_path / "mine.yaml"
    profile.write_text("name: mine\ndeployment: {targets: [endpoint, mainframe]}\n")
    run = Run.read(FOLDER / "use_cases/voice_helpdesk.yaml", str(profile), workspace)
    with pytest.raises(BadInput, match=r"^profile: deployment\.targets 'mainframe' is not known; allowed: docker, edge, "):
        run.check_settings()
