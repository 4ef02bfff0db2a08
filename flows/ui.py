"""`ninefold ui`: MLflow and Prefect on this workspace, on loopback, until Ctrl-C or SIGTERM."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    environment = {**os.environ, **QUIET, "PREFECT_HOME": str(workspace.root / "prefect")}
    environment["PREFECT_UI_API_URL"] = f"http://127.0.0.1:{port + 1}/api"
    python = [sys.executable, "-m"]
    mlflow = [*python, "mlflow", "server", "--backend-store-uri", workspace.tracking_uri, "--default-artifact-root"]
    mlflow += [workspace.artifact_root, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    prefect = [*python, "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port + 1)]
    workspace.logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name, command, health in (("mlflow", mlflow, port), ("prefect", prefect, port + 1)):
            _free(health)
            log = stack.enter_context((workspace.logs / f"ui-{name}.log").open("ab"))
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
            stack.callback(_stop, process)
            _wait(f"http://127.0.0.1:{health}" + ("/health" if name == "mlflow" else "/api/health"), process, log.name)
        yield {"mlflow": f"http://127.0.0.1:{port}", "prefect": f"http://127.0.0.1:{port + 1}"}


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
