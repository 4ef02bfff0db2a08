"""`prefect.yaml` on a real Prefect server: every deployment is made, and one stage is run by a real worker."""

import json
import os
import subprocess
import sys
import time

import httpx
import pytest
import yaml

from components.core.code import ROOT
from components.serving import free_port
from flows.start import QUIET
from flows.ui import pages
from tests.conftest import USE_CASE, environment, new_home


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Prefect server of this test alone (with MLflow beside it), and the environment that points at it."""
    from components.core import Workspace

    home = new_home(tmp_path_factory.mktemp("schedules") / "home")
    with pages(free_port(), Workspace(home)) as addresses:
        api = addresses["prefect"] + "/api"
        own = {**environment(home), "PREFECT_API_URL": api, "PREFECT_HOME": str(home / "prefect")}
        yield (
            api,
            {**own, **QUIET},
        )


def prefect(own: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_deployment_is_made_and_one_stage_runs_by_itself(server):
    api, own = server
    declared = {item["name"]: item for item in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    prefect(own, "work-pool", "create", "ninefold", "--type", "process")
    prefect(own, "deploy", "--all")
    made = {item["name"]: item for item in httpx.post(f"{api}/deployments/filter", json={}, timeout=20).json()}
    assert set(made) == set(declared) == {"weekly", "nightly", "stage"}
    assert [schedule["schedule"]["cron"] for schedule in made["weekly"]["schedules"]] == ["0 2 * * 0"]

    parameters = {"use_case": str(USE_CASE), "profile": "smoke", "until": "use_case", "home": own["NINEFOLD_HOME"]}
    body = {"parameters": {"parameters": parameters}, "state": {"type": "SCHEDULED", "message": "now"}}
    flow_run = httpx.post(f"{api}/deployments/{made['stage']['id']}/create_flow_run", json=body, timeout=20).json()["id"]
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "ninefold", "--run-once"]
    log = open(os.path.join(own["NINEFOLD_HOME"], "worker.log"), "wb")  # noqa: SIM115 closed with the worker below
    process = subprocess.Popen(worker, env=own, cwd=ROOT, stdout=log, stderr=log)
    try:
        deadline, state = time.monotonic() + 180, ""
        while state not in ("COMPLETED", "FAILED", "CRASHED") and time.monotonic() < deadline:
            time.sleep(1)
            state = httpx.get(f"{api}/flow_runs/{flow_run}", timeout=20).json()["state_type"]
    finally:
        process.terminate()
        process.wait(30)
        log.close()
    assert state == "COMPLETED"
    summaries = list((ROOT / own["NINEFOLD_HOME"] / "runs").glob("*/summary.json"))
    assert [json.loads(path.read_text())["stages"][0]["status"] for path in summaries] == ["ran"]
