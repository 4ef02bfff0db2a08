"""Benchmarks of the hub: a stand-in on loopback, and lm-eval's own evaluation of the same tasks as what must come out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.core import BadInput, Candidate, MachineFault, Policy, Step, Workspace
from components.core.code import ROOT
from components.evaluation.benchmarks import spread
from components.evaluation.hub import HubTask, _by_split, check_names, fetch_benchmarks
from components.evaluation.promotion import check_bounds
from tests.conftest import two_ports
from tests.evaluation.loopback_hub import REPOSITORY, REVISION, loopback_hub


def _ask(
    endpoint: str, folder: Path, root: Path, candidate: Candidate, names: list[str]
) -> subprocess.CompletedProcess[str]:
    asked = json.dumps({"root": str(root), "candidate": candidate.model_dump(mode="json"), "names": names, "shots": 2})
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.evaluation.run_hub_tasks"]
    return subprocess.run(command, input=asked, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_items_of_the_hub_are_judged_as_lm_eval_judges_them(
    step: Step, candidate: Candidate, workspace: Workspace, tmp_path: Path
) -> None:
    exact = candidate.model_copy(update={"runtime": candidate.runtime.model_copy(update={"dtype": "float32"})})
    with loopback_hub() as endpoint:
        done = _ask(endpoint, tmp_path, workspace.root, exact, ["sst2", "mrpc"])
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    for name, (results, figures) in said["ours"].items():
        hits, theirs = results[0], said["theirs"][name]
        assert hits == theirs["hits"]
        assert len(hits) == 16
        assert 0 < sum(hits) < 16, "an equality that a constant would not meet"
        assert figures[name] == {
            key.split(",")[0]: pytest.approx(value, abs=1e-6)
            for key, value in theirs["results"].items()
            if key in ("acc,none", "f1,none")
        }
    (task,) = said["tasks"]["sst2"]
    assert (task["dataset"], task["revision"], task["licence"]) == (REPOSITORY, REVISION, "cc-by-4.0")


@pytest.mark.parametrize("count", [20, 57, 120])
def test_a_group_is_asked_no_more_items_than_were_wanted(count: int) -> None:
    tasks = [HubTask(name=f"t{i}", dataset="d", config="c", revision="r", licence="mit", files={}) for i in range(57)]
    shares = spread(tasks, count, seed=3)
    assert sum(items for _, items in shares) == count
    assert len(shares) == min(count, 57)
    assert {items for _, items in shares} <= {1, 2, 3}
    assert spread(tasks, 20, seed=3) != spread(tasks, 20, seed=4)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ssst2", r"'ssst2' is not known; near it: .*sst2.*; allowed: mmlu, boolq"),
        ("hub:mmlu_virologie", r"near it: mmlu_virology"),
        (
            "bigbench_simple_ethical_questions_generate_until",
            r"is not covered \(generate_until\); take tasks of multiple choice",
        ),
        ("super-glue-t5-prompt", r"'super_glue-boolq-t5-prompt' of 'super-glue-t5-prompt' is not covered"),
    ],
)
def test_a_name_that_cannot_be_run_is_said_before_anything_is_fetched(name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_names([name])


@pytest.mark.parametrize(
    "name", ["glue", "super-glue-lm-eval-v1", "hub:mmlu", "hub:boolq", "bigbench_multiple_choice_a", "record"]
)
def test_groups_and_tasks_of_the_four_families_are_known(name: str) -> None:
    check_names([name])


def test_a_hub_that_does_not_answer_is_one_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{two_ports()}")
    with pytest.raises(MachineFault, match=r"'sst2' needs nyu-mll/glue \(sst2\).*ninefold fetch .*packaged ones: mmlu"):
        fetch_benchmarks(["mmlu", "sst2"], Workspace(tmp_path))
    assert list(tmp_path.rglob("*.*")) == [], "nothing half-written"


def test_a_benchmark_of_the_hub_can_be_bounded() -> None:
    check_bounds(Policy(bias_at_most={"sst2": 0.1}), {"sst2": 20}, {})
    with pytest.raises(BadInput, match="'sst3' is not known"):
        check_bounds(Policy(bias_at_most={"sst3": 0.1}), {"sst2": 20}, {})


def test_files_of_the_hubs_converted_copy_are_found_by_configuration_and_split() -> None:
    paths = ["README.md", "a_zero_shot/default/0001.parquet", "a_zero_shot/default/0000.parquet", "b/default/0000.parquet"]
    assert _by_split(paths, "a_zero_shot") == {"default": [paths[2], paths[1]]}
