"""`ninefold ui` on a finished workspace: both servers answer, show the run, and stop."""

import socket

import httpx

from components.serving import free_port
from flows.ui import pages


def test_both_pages_show_the_run_and_stop(finished):
    port = free_port()
    with pages(port, finished.workspace) as addresses:
        assert "MLflow" in httpx.get(addresses["mlflow"], timeout=10).text
        runs = httpx.post(addresses["prefect"] + "/api/flow_runs/filter", json={}, timeout=20).json()
        assert [run["state"]["type"] for run in runs] == ["COMPLETED"]
        artifacts = httpx.post(addresses["prefect"] + "/api/artifacts/filter", json={}, timeout=20).json()
        assert "voice-helpdesk-evaluation" in {artifact["key"] for artifact in artifacts}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
