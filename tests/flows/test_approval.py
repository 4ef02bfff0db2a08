"""The approval flow on a real Prefect server: it suspends with a form, and decides when it is resumed with one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from components.core import ApprovalRules, Workspace, short
from components.core.code import ROOT
from components.core.keys import make_keys
from components.governance import Approvals, Registry, covered, registered
from flows.approval import _decided, _question
from flows.start import QUIET
from tests import warm
from tests.cards.evidence import carded
from tests.conftest import environment, prefect_api
from tests.governance.conftest import real_card, two_versions


def test_the_form_begins_with_the_decision_and_what_is_not_shown(tmp_path: Path) -> None:
    card, _, _ = carded(tmp_path)
    decided = _decided(card)
    assert decided[0].startswith("**Meets the contract**: f1_answerable")
    assert decided[2].startswith("**Not shown**: toxicity worsens by +0.250 of 8 items, at most 0.3 asked: not shown, up to")
    assert _decided(None) == _decided(tmp_path / "v1.md") == []


@pytest.fixture(scope="module")
def place(prefect_server, tmp_path_factory) -> Iterator[tuple[httpx.Client, dict[str, str], str]]:
    """A registry, the environment of its processes, and the id of the deployment `approval` of prefect.yaml."""
    workspace = two_versions(tmp_path_factory.mktemp("approval"))
    Registry(workspace).describe(
        registered(workspace, "desk", 2).model_copy(update={"rules": ApprovalRules(roles={"reviewer": ("Ada",)})})
    )
    for number in (1, 2):
        real_card(workspace, registered(workspace, "desk", number))
    own = {**environment(workspace.root), **QUIET, **prefect_server, "PREFECT_HOME": str(workspace.root / "prefect")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NINEFOLD_KEYS", own["NINEFOLD_KEYS"])
        make_keys()
        api = prefect_api(prefect_server)
        yield api, own, deployment(api)


def deployment(api: httpx.Client) -> str:
    """Id of the deployment `approval` as prefect.yaml has it, without a pool (test_schedules.py deploys that file)."""
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    (entrypoint,) = (item["entrypoint"] for item in declared if item["name"] == "approval")
    flow = api.post("/flows/", json={"name": "approval"}).json()["id"]
    here = {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}  # as `prefect deploy` writes it
    body = {"name": "approval", "flow_id": flow, "entrypoint": entrypoint, "pull_steps": [here]}
    return api.post("/deployments/", json=body).json()["id"]


def worked(own: dict[str, str], api: httpx.Client, run: str) -> dict[str, Any]:
    """The state of flow run `run` once its process has ended: a fork of the engine that a worker's `prefect flow-run
    execute` comes to. That command starts two interpreters before it, 10 processor seconds each time; test_schedules.py
    runs a worker."""
    done = warm.run(["prefect.engine", run], own, timeout=180)
    Path(own["NINEFOLD_HOME"], "flow-run.log").write_text(done.stdout + done.stderr)
    return api.get(f"/flow_runs/{run}").json()["state"]


def asked(place, version: int) -> str:
    """A run of the flow that has suspended with its form: its id."""
    api, own, deployment = place
    given = {"model": "desk", "version": version, "home": own["NINEFOLD_HOME"]}
    body = {"parameters": {"parameters": given}, "state": {"type": "SCHEDULED"}}
    run = api.post(f"/deployments/{deployment}/create_flow_run", json=body).json()["id"]
    state = worked(own, api, run)
    assert (state["type"], state["name"]) == ("PAUSED", "Suspended"), Path(own["NINEFOLD_HOME"], "flow-run.log").read_text()
    return run


def form_of(place, run: str) -> dict[str, Any]:
    """The fields of the form that a run waits with."""
    keyset = place[0].get(f"/flow_runs/{run}").json()["state"]["state_details"]["run_input_keyset"]
    return place[0].get(f"/flow_runs/{run}/input/{keyset['schema']}").json()["properties"]


def answer(place, run: str, **form: str) -> dict[str, Any]:
    """What the server says to a filled form."""
    reply = place[0].post(f"/flow_runs/{run}/resume", json={"run_input": form})
    assert reply.status_code in (200, 201), reply.text
    return reply.json()


def workspace_of(place):
    return Workspace(Path(place[1]["NINEFOLD_HOME"]))


def test_a_form_that_is_filled_in_promotes(place) -> None:
    workspace, run = workspace_of(place), asked(place, 1)
    assert Registry(workspace).holder("desk", "champion") is None
    assert "seen" not in form_of(place, run), "no digest to type"
    refused = answer(place, run, identity="Ada", decision="perhaps", reason="?")
    assert refused["status"] == "REJECT", "the server holds a form to its schema"
    assert Approvals(workspace).entries() == []
    assert answer(place, run, identity="Ada", decision="approve", reason="figures hold")["status"] == "ACCEPT"
    assert worked(place[1], place[0], run)["type"] == "COMPLETED"
    (line,) = Approvals(workspace).entries("desk", 1)
    assert (line.by, line.reason) == ("Ada", "figures hold")
    assert Registry(workspace).holder("desk", "champion") == 1


def test_a_form_with_a_name_that_the_contract_does_not_have_is_asked_again_with_the_reason(place) -> None:
    workspace, run = workspace_of(place), asked(place, 2)
    seen = covered(workspace, registered(workspace, "desk", 2)).digest
    said = {"decision": "approve", "reason": "figures hold"}
    answer(place, run, identity="Mallory", **said)
    state = worked(place[1], place[0], run)
    assert (state["type"], state["name"]) == ("PAUSED", "Suspended")
    assert Approvals(workspace).entries("desk", 2) == []
    shown = place[0].get(f"/flow_runs/{run}/input/suspended-decision-1-{short(seen)}-description").text
    assert "Not recorded:** 'Mallory' does not have any role" in shown
    assert answer(place, run, identity="Ada", **said)["status"] == "ACCEPT"
    assert worked(place[1], place[0], run)["type"] == "COMPLETED"
    assert [line.by for line in Approvals(workspace).entries("desk", 2)] == ["Ada"]


def test_what_changed_since_the_form_was_shown_is_asked_anew(place) -> None:
    workspace = workspace_of(place)
    before, run = Approvals(workspace).entries("desk", 1), asked(place, 1)
    assert answer(place, run, identity="Ada", decision="reject", reason="read")["status"] == "ACCEPT"
    real_card(workspace, registered(workspace, "desk", 1), intended_use="Another use.")
    state = worked(place[1], place[0], run)
    assert (state["type"], state["name"]) == ("PAUSED", "Suspended")
    assert Approvals(workspace).entries("desk", 1) == before


def test_the_form_says_what_changed_since_the_champion(place) -> None:
    workspace = workspace_of(place)
    version = registered(workspace, "desk", 2)
    text = _question(workspace, version)
    assert "| gain over plain baseline | interval above 0" in text
    assert text.count("![") == 1
    assert text.index("**Meets the contract**") < text.index("| gate |") < text.index("champion") < text.index("![")
