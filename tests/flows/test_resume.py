"""`kill -9` in the middle of the lifecycle, again and again: the run goes on from the last seal and ends the same."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

from components.core import Store
from components.core.code import ROOT
from tests.conftest import USE_CASE, environment, new_home, ninefold

KILLS = 6


def sealed(home) -> int:
    return len(list((home / "store/steps").glob("*.json")))


def run_and_kill(home, seals: int, delay: float) -> None:
    """Start a run, wait until it has made `seals` more seals and `delay` seconds have gone, then kill its whole group."""
    command = [sys.executable, "-m", "flows.cli", "run", str(USE_CASE), "--profile", "smoke", "--json"]
    process = subprocess.Popen(
        command,
        env=environment(home),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    target, deadline = sealed(home) + seals, time.monotonic() + 120
    while sealed(home) < target and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(delay)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_run_ends_like_an_unbroken_one(finished, tmp_path):
    home, chance = new_home(tmp_path / "home"), random.Random(0)
    for _ in range(KILLS):
        run_and_kill(home, seals=chance.randint(1, 3), delay=chance.uniform(0, 1.5))
    done = ninefold(home, "run", str(USE_CASE), "--profile", "smoke", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["candidate"] == finished.summary["candidate"]
    assert summary["test"] == finished.summary["test"]
    keys = {stage["name"]: stage["key"] for stage in summary["stages"]}
    assert keys == {stage["name"]: stage["key"] for stage in finished.summary["stages"]}
    assert Store(home / "store").damaged() == []
    assert_one_of_each(home)
    with closing(sqlite3.connect(home / "prefect/prefect.db")) as database:
        states = [state for (state,) in database.execute("select state_type from flow_run")]
    assert states.count("COMPLETED") == 1, "the last one; the killed ones are not left running"
    assert set(states) == {"COMPLETED", "CRASHED"}


def assert_one_of_each(home) -> None:
    """One model version, one MLflow run a step."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    assert len(client.search_model_versions("name='voice_helpdesk'")) == 1
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    keys = [run.data.tags["ninefold.key"] for run in runs if "ninefold.key" in run.data.tags]
    assert len(keys) == len(set(keys))
