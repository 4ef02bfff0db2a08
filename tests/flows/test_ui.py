"""`ninefold ui` on a finished workspace: both servers answer and show the run; Ctrl-C and SIGTERM end both, and well."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from components.core.code import ROOT
from components.core.login import USER
from tests.conftest import environment, ninefold, prefect_api, two_ports


@contextmanager
def opened(home: Path, port: int, **servers: str) -> Iterator["subprocess.Popen[str]"]:
    """`ninefold ui` in a process of its own."""
    command = [sys.executable, "-m", "flows.cli", "ui", "--port", str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env={**environment(home), **servers}, cwd=ROOT, stdout=pipe, stderr=pipe, text=True
    ) as process:
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
        shown = printed(process)
        login = copied.workspace.login.read_text().strip()
        assert login.removeprefix("ninefold:") not in shown, "a terminal's lines are copied around"
        assert f"(user: {USER})" in shown
        assert f"the one line in {copied.workspace.login}\n" in shown
        address = f"http://127.0.0.1:{port}"
        assert httpx.get(address, timeout=10).status_code == 401
        assert "MLflow" in httpx.get(address, auth=(USER, login), timeout=10).text
        (command,) = re.findall(r'programs +eval "\$\((.*)\)"', shown)
        assert command == f"ninefold env --port {port}"
        api = prefect_api(json.loads(ninefold(copied.home, *command.split()[1:], "--json").stdout))
        runs = api.post("/flow_runs/filter", json={}).json()
        assert [run["state"]["type"] for run in runs] == ["COMPLETED"]
        tasks = api.post("/task_runs/filter", json={}).json()
        assert {task["state"]["type"] for task in tasks} == {"COMPLETED"}
        artifacts = api.post("/artifacts/filter", json={}).json()
        assert "voice-helpdesk-evaluation" in {artifact["key"] for artifact in artifacts}
        assert_nowhere_else(login.removeprefix("ninefold:"), copied.home)
        assert_all_end_well(process, signal.SIGTERM)
    for taken in (port, port + 1):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", taken)) != 0


def printed(process: "subprocess.Popen[str]") -> str:
    """What it prints until both are up."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C stops both" in line:
            break
    return "".join(lines)


def assert_nowhere_else(secret: str, home: Path) -> None:
    """It stands in the log-in's own file alone: in no log, record or card of the workspace, in no list of processes."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(home / "assets")]
    assert [path.name for path in found if secret.encode() in path.read_bytes()] == ["login"]
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            assert secret not in " ".join(process.cmdline())


def test_env_is_read_by_a_shell_as_it_is_meant(tmp_path):
    home = tmp_path / 'it\'s "mine" $HOME'
    command = f'eval "$({sys.executable} -m flows.cli env --port 7000)" && env -0'
    own = {**environment(home), "HOME": "/nonexistent"}
    done = subprocess.run(["bash", "-c", command], env=own, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    read = dict(line.partition("=")[::2] for line in done.stdout.split("\0") if line)
    login = (home / "login").read_text().strip()
    wanted = {
        "NINEFOLD_HOME": str(home),
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:7000",
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": login,
        "PREFECT_API_URL": "http://127.0.0.1:7001/api",
        "PREFECT_API_AUTH_STRING": login,
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }
    assert {name: read[name] for name in wanted} == wanted
    again = ninefold(home, "env", "--port", "7000", "--json", servers=wanted)
    assert json.loads(again.stdout) == wanted, "in a shell that has it already too"


def test_servers_that_somebody_shares_are_named_and_left_alone(tmp_path):
    """Their log-in is their owner's: `env` sets none, and what stands in an address is not printed."""
    shared = {"MLFLOW_TRACKING_URI": "https://ada:hush@mlflow.test/a", "PREFECT_API_URL": "https://prefect.test/api"}
    printed_ = ninefold(tmp_path / "home", "env", "--json", servers=shared)
    assert json.loads(printed_.stdout) == {"NINEFOLD_HOME": str(tmp_path / "home")}
    with opened(tmp_path / "home", two_ports(), **shared) as process:
        shown = printed(process)
        assert "https://mlflow.test/a  (shared: its own log-in)" in shown
        assert "https://prefect.test/api  (shared: its own log-in)" in shown
        assert "hush" not in shown
        assert "password" not in shown
        assert psutil.Process(process.pid).children() == []
    assert not (tmp_path / "home/login").exists()


def test_a_taken_port_is_named(tmp_path):
    port = two_ports()
    with socket.create_server(("127.0.0.1", port)):
        done = ninefold(tmp_path / "home", "ui", "--port", str(port))
    assert done.returncode == 3
    assert f"port {port} is taken" in done.stderr


def test_ctrl_c_ends_it_while_the_servers_still_start(tmp_path):
    with opened(tmp_path / "home", two_ports()) as process:
        while not psutil.Process(process.pid).children():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        assert_all_end_well(process, signal.SIGINT)
