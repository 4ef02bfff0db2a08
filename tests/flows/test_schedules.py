"""`prefect.yaml` on a real Prefect server: every deployment is made, and a real worker runs each of them."""

import json
import re
import shlex
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from components.core.code import ROOT
from flows.servers import prefect_server
from flows.start import QUIET
from tests import warm
from tests.conftest import USE_CASE, environment, ninefold, prefect_api, two_ports
from tests.pages import page


@pytest.fixture
def server(copied):
    """A Prefect server of this test alone in a finished workspace: a client, and what `ninefold env` prints."""
    port = two_ports()
    with prefect_server(port + 1, copied.workspace):
        printed = json.loads(ninefold(copied.home, "env", "--port", str(port), "--json").stdout)
        own = {**environment(copied.home), **printed, "PREFECT_HOME": str(copied.home / "prefect")}
        yield prefect_api(own), {**own, **QUIET}


WORKER = ["worker", "start", "--pool", "ninefold"]


def stated() -> list[list[str]]:
    """The words behind `prefect` of each command that docs/operations.md gives for schedules, in its order."""
    lines = re.findall(r"^prefect (.*)$", page("operations").read_text(), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def prefect(own: dict[str, str], *arguments: str) -> str:
    done = warm.run(["prefect", *arguments], own, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def planned(api: httpx.Client, deployment: str) -> list[datetime]:
    """When (UTC) the runs are due that the server's scheduler has written for `deployment`."""
    wanted = {"deployments": {"id": {"any_": [deployment]}}}
    deadline = time.monotonic() + 90  # its slower loop comes each minute
    while time.monotonic() < deadline:
        if runs := api.post("/flow_runs/filter", json=wanted).json():
            return [datetime.fromisoformat(run["expected_start_time"]) for run in runs]
        time.sleep(0.5)
    return []


@pytest.mark.slow
def test_every_deployment_is_made_and_runs(server):
    api, own = server
    declared = {item["name"]: item for item in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    create, deploy, start = stated()
    prefect(own, *create)
    prefect(own, *deploy)
    assert start == WORKER, "what `worked` runs"
    made = {item["name"]: item for item in api.post("/deployments/filter", json={}).json()}
    assert set(made) == set(declared) == {"weekly", "nightly", "stage", "approval"}
    assert {f"{due:%A %H:%M}" for due in planned(api, made["weekly"]["id"])} == {"Sunday 02:00"}
    assert {f"{due:%H:%M}" for due in planned(api, made["nightly"]["id"])} == {"03:00"}

    home = own["NINEFOLD_HOME"]
    smoke = {"use_case": str(USE_CASE), "profile": "smoke", "home": home}

    def run(name: str, parameters: dict[str, str]) -> None:
        body = {"parameters": {"parameters": parameters}, "state": {"type": "SCHEDULED", "message": "now"}}
        flow_run = api.post(f"/deployments/{made[name]['id']}/create_flow_run", json=body).json()["id"]
        assert worked(api, own, flow_run) == "COMPLETED", Path(home, "worker.log").read_text()

    def summary(name: str) -> dict[str, Any]:
        (path,) = Path(home, "runs").glob(f"*/{name}.json")
        return json.loads(path.read_text())

    finished = summary("summary")
    run("stage", {**smoke, "until": "selection"})
    assert summary("until-selection")["end"] == "stopped after selection, as asked"
    assert [stage["status"] for stage in summary("until-selection")["stages"][:3]] == ["reused", "reused", "skipped"]
    assert summary("summary") == finished, "what all of the run came to is still said"
    run("weekly", smoke)
    assert summary("summary")["end"] == "released"
    assert "ran" not in {stage["status"] for stage in summary("summary")["stages"]}
    run("nightly", {"model": "voice_helpdesk", "home": home})
    wanted = {"artifacts": {"key": {"any_": ["voice-helpdesk-drift"]}}}
    (artifact,) = api.post("/artifacts/filter", json=wanted).json()
    assert "0 logged requests" in artifact["data"]


def worked(api: httpx.Client, own: dict[str, str], flow_run: str) -> str:
    """State of `flow_run` when a worker that takes what is due has ended."""
    worker = warm.run(["prefect", *WORKER, "--run-once"], own, timeout=180)
    Path(own["NINEFOLD_HOME"], "worker.log").write_text(worker.stdout + worker.stderr)
    return api.get(f"/flow_runs/{flow_run}").json()["state_type"]
