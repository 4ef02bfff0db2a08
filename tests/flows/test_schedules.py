"""`prefect.yaml` on a real Prefect server: every deployment is made, and a real worker runs each of them."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from components.core.code import ROOT
from flows.start import QUIET
from flows.ui import prefect_server
from tests import warm
from tests.conftest import USE_CASE, environment, two_ports


@pytest.fixture
def server(copied):
    """A Prefect server of this test alone in a finished workspace: its address and environment."""
    with prefect_server(two_ports(), copied.workspace) as address:
        api = address + "/api"
        own = {**environment(copied.home), "PREFECT_API_URL": api, "PREFECT_HOME": str(copied.home / "prefect")}
        yield api, {**own, **QUIET}


def prefect(own: dict[str, str], *arguments: str) -> str:
    done = warm.run(["prefect", "--no-prompt", *arguments], own, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def planned(api: str, deployment: str) -> list[datetime]:
    """When (UTC) the runs are due that the server's scheduler has written for `deployment`."""
    wanted = {"deployments": {"id": {"any_": [deployment]}}}
    deadline = time.monotonic() + 90  # its slower loop comes each minute
    while time.monotonic() < deadline:
        if runs := httpx.post(f"{api}/flow_runs/filter", json=wanted, timeout=20).json():
            return [datetime.fromisoformat(run["expected_start_time"]) for run in runs]
        time.sleep(0.5)
    return []


def test_every_deployment_is_made_and_runs(server):
    api, own = server
    declared = {item["name"]: item for item in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    prefect(own, "work-pool", "create", "ninefold", "--type", "process")
    prefect(own, "deploy", "--all")
    made = {item["name"]: item for item in httpx.post(f"{api}/deployments/filter", json={}, timeout=20).json()}
    assert set(made) == set(declared) == {"weekly", "nightly", "stage", "approval"}
    assert {f"{due:%A %H:%M}" for due in planned(api, made["weekly"]["id"])} == {"Sunday 02:00"}
    assert {f"{due:%H:%M}" for due in planned(api, made["nightly"]["id"])} == {"03:00"}

    home = own["NINEFOLD_HOME"]
    smoke = {"use_case": str(USE_CASE), "profile": "smoke", "home": home}

    def run(name: str, parameters: dict[str, str]) -> None:
        body = {"parameters": {"parameters": parameters}, "state": {"type": "SCHEDULED", "message": "now"}}
        flow_run = httpx.post(f"{api}/deployments/{made[name]['id']}/create_flow_run", json=body, timeout=20).json()["id"]
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
    (artifact,) = httpx.post(f"{api}/artifacts/filter", json=wanted, timeout=20).json()
    assert "0 logged requests" in artifact["data"]


def worked(api: str, own: dict[str, str], flow_run: str) -> str:
    """State of `flow_run` when a worker that takes what is due has ended."""
    worker = warm.run(["prefect", "worker", "start", "--pool", "ninefold", "--run-once"], own, timeout=180)
    Path(own["NINEFOLD_HOME"], "worker.log").write_text(worker.stdout + worker.stderr)
    return httpx.get(f"{api}/flow_runs/{flow_run}", timeout=20).json()["state_type"]
