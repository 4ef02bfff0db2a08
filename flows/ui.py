"""`ninefold ui`: MLflow and Prefect on this workspace, on loopback, until Ctrl-C or SIGTERM."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import httpx
from rich.console import Console

from components.core import MachineFault, Workspace
from flows.start import QUIET

WAIT_SECONDS = 60
ENDS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def pages(port: int, workspace: Workspace) -> Iterator[dict[str, str]]:
    """Both servers up: {name: address}. MLflow on `port`, Prefect on `port + 1`; they stop when the block ends."""
    with mlflow_server(port, workspace) as mlflow, prefect_server(port + 1, workspace) as prefect:
        yield {"mlflow": mlflow, "prefect": prefect}


@contextmanager
def mlflow_server(port: int, workspace: Workspace) -> Iterator[str]:
    """MLflow on this workspace's database: its address, while it is up."""
    command = ["mlflow", "server", "--backend-store-uri", workspace.tracking_uri, "--default-artifact-root"]
    command += [workspace.artifact_root, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with _up("mlflow", command, port, "/health", workspace) as address:
        yield address


@contextmanager
def prefect_server(port: int, workspace: Workspace) -> Iterator[str]:
    """Prefect on this workspace's database: its address, while it is up."""
    command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _up("prefect", command, port, "/api/health", workspace) as address:
        yield address


def ui(port: int) -> None:
    """Serve both until Ctrl-C or SIGTERM, which stop both and exit 0: the servers are in sessions of their own, where no
    signal from outside finds them."""
    for end in ENDS:
        signal.signal(end, _leave)
    with pages(port, Workspace()) as addresses:
        for name, address in addresses.items():
            Console().print(f"  {name:<8} {address}")
        Console().print("  Ctrl-C stops both")
        signal.pause()


def _leave(*_: object) -> NoReturn:
    for end in ENDS:
        signal.signal(end, signal.SIG_IGN)  # a second Ctrl-C may not break off the stopping
    sys.exit(0)


@contextmanager
def _up(name: str, command: list[str], port: int, health: str, workspace: Workspace) -> Iterator[str]:
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, **QUIET, "PREFECT_HOME": str(workspace.root / "prefect")}
    environment["PREFECT_UI_API_URL"] = f"{address}/api"
    workspace.logs.mkdir(parents=True, exist_ok=True)
    _free(port)
    with (workspace.logs / f"ui-{name}.log").open("ab") as log:
        command = [sys.executable, "-m", *command]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(address + health, process, log.name)
            yield address
        finally:
            _stop(process)


def _free(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise MachineFault(f"port {port} is taken: stop what listens there, or give another with --port")


def _wait(url: str, process: subprocess.Popen[bytes], log: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)  # not up yet
    end = f"ended with code {process.returncode}" if process.returncode is not None else f"is not up after {WAIT_SECONDS} s"
    raise MachineFault(f"the server of {url} {end}; see its log: {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
