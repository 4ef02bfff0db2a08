"""`ninefold ui` on a finished workspace: both servers answer and show the run; Ctrl-C and SIGTERM end both, and well."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from components.core.code import ROOT
from tests.conftest import environment, two_ports


@contextmanager
def opened(home: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    """`ninefold ui` in a process of its own."""
    command = [sys.executable, "-m", "flows.cli", "ui", "--port", str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(home), cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:  # a test that failed leaves it running, and nothing would end the wait for it
            if process.poll() is None:
                process.terminate()


def assert_all_end_well(process: "subprocess.Popen[str]", end: signal.Signals) -> None:
    servers = psutil.Process(process.pid).children(recursive=True)
    assert servers
    process.send_signal(end)
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said) == (0, "")
    assert psutil.wait_procs(servers, timeout=10)[1] == []


def test_both_pages_show_the_run_and_sigterm_stops_both(copied):
    port = two_ports()
    with opened(copied.home, port) as process:
        assert process.stdout
        for line in process.stdout:
            if "Ctrl-C stops both" in line:
                break
        assert "MLflow" in httpx.get(f"http://127.0.0.1:{port}", timeout=10).text
        api = f"http://127.0.0.1:{port + 1}/api"
        runs = httpx.post(f"{api}/flow_runs/filter", json={}, timeout=20).json()
        assert [run["state"]["type"] for run in runs] == ["COMPLETED"]
        artifacts = httpx.post(f"{api}/artifacts/filter", json={}, timeout=20).json()
        assert "voice-helpdesk-evaluation" in {artifact["key"] for artifact in artifacts}
        assert_all_end_well(process, signal.SIGTERM)
    for taken in (port, port + 1):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", taken)) != 0


def test_ctrl_c_ends_it_while_the_servers_still_start(tmp_path):
    with opened(tmp_path / "home", two_ports()) as process:
        while not psutil.Process(process.pid).children():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        assert_all_end_well(process, signal.SIGINT)
