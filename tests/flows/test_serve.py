"""`ninefold serve`: an endpoint that died comes back as it was kept."""

import socket
from types import SimpleNamespace

import psutil
import pytest

from components.core import MachineFault, Workspace
from components.governance import Registered, Registry, bundle_folder
from components.serving import ask, candidate_of, free_port, status, stop
from flows.serve import restore, serve
from tests.serving.bundles import QUESTIONS, bundle


def two_versions(workspace: Workspace) -> None:
    """Versions 1 and 2 of the model `desk`, of one Candidate, with its bundle."""
    made = bundle(workspace.root / "made")
    candidate = candidate_of(made).digest
    bundle_folder(workspace, candidate).parent.mkdir(parents=True)
    made.rename(bundle_folder(workspace, candidate))
    registry = Registry(workspace)
    registry.client = SimpleNamespace(set_model_version_tag=lambda *_: None)  # which versions there are, the ledger says
    for number in (1, 2):
        registry.describe(Registered(model="desk", version=number, use_case="desk", candidate=candidate, evidence="-"))


def test_a_killed_endpoint_comes_back_on_its_port_with_its_version(tmp_path):
    workspace, port = Workspace(tmp_path / "home"), free_port()
    two_versions(workspace)
    assert restore(workspace, "desk") is None, "it was never up"
    serve("desk@1", port, workspace)
    kept = status(workspace, "desk")
    assert restore(workspace, "desk") is None, "it lives"
    process = psutil.Process(kept.pid)
    process.kill()
    process.wait(10)
    try:
        with socket.create_server(("127.0.0.1", port)), pytest.raises(MachineFault, match="is taken"):
            restore(workspace, "desk")
        assert f"http://127.0.0.1:{port}" in restore(workspace, "desk")
        again = status(workspace, "desk")
        assert (again.port, again.version, again.pid != kept.pid) == (port, "1", True)
        assert ask(again.url, QUESTIONS[0]).answer
    finally:
        stop(workspace, "desk")
    assert restore(workspace, "desk") is None, "it was stopped on purpose"
