"""`kill -9` in the middle of every stage: the run goes on from the last seal and ends the same."""

import json
import random
import time

import pytest

from components.core import Store, Workspace
from tests import warm
from tests.conftest import USE_CASE, environment, new_home, ninefold, prefect_api

pytestmark = pytest.mark.slow

STEPS = (
    "data.prepare", "use_case.check", "selection.select", "prompting.prompt", "retrieval.retrieve", "tuning.tune",
    "feedback.collect", "evaluation.evaluate", "optimization.optimize", "deployment.deploy",
)  # fmt: skip
INSTANT = ("use_case.check", "optimization.optimize")
"""Over before they could be killed; there is no model to optimise."""


def sealed(home) -> set[str]:
    """Steps that are sealed, as `component.function`; what `Step.memo` seals has a name without dots."""
    names = [json.loads(path.read_text())["name"] for path in (home / "store/steps").glob("[0-9a-f]*.json")]
    return {name.removeprefix("components.") for name in names if "." in name}


def begun(home, before: str | None) -> bool:
    """Whether the step that follows `before` is at work."""
    return before in sealed(home) if before else any((home / "store/scratch").glob("*"))


def run_and_kill(home, before: str | None, delay: float, servers: dict[str, str]) -> None:
    """Start a run, wait until the step behind `before` has been at work for `delay` seconds, then kill its whole group."""
    command = ("flows.cli", "run", str(USE_CASE), "--profile", "smoke", "--json")
    run = warm.Started(command, {**environment(home), **servers}, home.parent)
    deadline = time.monotonic() + 120
    while not begun(home, before) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(delay)
    assert run.poll() is None, "it ended before it could be killed"
    run.kill()


def test_a_run_killed_in_every_stage_ends_like_an_unbroken_one(request, tmp_path, prefect_server):
    home, chance = new_home(tmp_path / "home"), random.Random(0)
    for before, step in zip((None, *STEPS), STEPS, strict=False):
        if step not in INSTANT:
            run_and_kill(home, before, chance.uniform(0.2, 1), prefect_server)
            assert step not in sealed(home), f"the kill came after {step}"
    done = ninefold(home, "run", str(USE_CASE), "--profile", "smoke", "--json", servers=prefect_server)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    finished = request.getfixturevalue("finished")  # only now: with two workers it is made beside this test
    assert summary["candidate"] == finished.summary["candidate"]
    assert summary["test"] == finished.summary["test"]
    keys = {stage["name"]: stage["key"] for stage in summary["stages"]}
    assert keys == {stage["name"]: stage["key"] for stage in finished.summary["stages"]}
    assert Store(home / "store").damaged() == []
    assert_one_of_each(home)
    wanted = {"flow_runs": {"tags": {"all_": [summary["run_id"], Workspace(home).name]}}}
    runs = prefect_api(prefect_server).post("/flow_runs/filter", json=wanted).json()
    states = [run["state_type"] for run in runs]
    assert states.count("COMPLETED") == 1, "the last one; the killed ones are not left running"
    assert set(states) == {"COMPLETED", "CRASHED"}


def assert_one_of_each(home) -> None:
    """One model version, one MLflow run a step, each finished and named apart; of each figure one value a step."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    assert len(client.search_model_versions("name='voice_helpdesk'")) == 1
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    keys = [run.data.tags["ninefold.key"] for run in runs if "ninefold.key" in run.data.tags]
    assert len(keys) == len(set(keys))
    assert {run.info.status for run in runs if "ninefold.stage" in run.data.tags} == {"FINISHED"}
    assert len({run.info.run_name for run in runs}) == len(runs)
    for run in runs:
        for name in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, name)]
            assert len(steps) == len(set(steps)), f"{run.info.run_name}: {name}"
        used = [one.dataset.name for one in run.inputs.dataset_inputs]
        assert len(used) == len(set(used))
    (version,) = client.search_model_versions("name='voice_helpdesk'")
    assert version.run_id in {run.info.run_id for run in runs if run.info.status == "FINISHED"}
    assert version.description
