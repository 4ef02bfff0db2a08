"""The MLflow and Prefect servers of a workspace, each behind the guard (flows/guard.py), and what their clients need.

A server that somebody shares (MLFLOW_TRACKING_URI, PREFECT_API_URL) is used as it is: it is never started here, and its
log-in is its owner's.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import httpx

from components.core import MachineFault, Workspace
from components.core.address import without_secrets
from components.core.code import ROOT
from components.core.database import begin_again
from components.core.files import disk_faults
from components.core.login import USER, make_login, read_login
from components.core.moved_tracking import follow_move
from flows.environment import check_socks, past_proxies
from flows.start import QUIET

WAIT_SECONDS = 300
"""A server that ends is noticed at once; beside ten busy processes on two cores Prefect took more than two minutes."""


@contextmanager
def mlflow_server(port: int, workspace: Workspace) -> Iterator[str]:
    """MLflow on this workspace's database: its address, while it is up. Raises Damaged where that is torn."""
    follow_move(workspace)
    own = {"MLFLOW_SERVER_ALLOWED_HOSTS": _own("", port), "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": _own("http://", port)}
    own["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    with _bound(port) as listener, _up("mlflow", listener, "/health", own, workspace) as address:
        yield address


@contextmanager
def prefect_server(port: int, workspace: Workspace, *, name: str = "prefect") -> Iterator[str]:
    """Prefect on this workspace's database: its address, while it is up. port: 0 for any free one; name: `run` for a server
    without pages and without services that a single run does not need."""
    keep_prefect(workspace)
    with _bound(port) as listener:
        port = listener.getsockname()[1]
        own = {
            "PREFECT_HOME": str(workspace.root / "prefect"),
            "PREFECT_SERVER_API_AUTH_STRING": make_login(workspace.login),
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": _own("http://", port),
            "PREFECT_UI_API_URL": "/api",  # the page's own origin, whichever of its names the reader opened
        }
        if name == "run":
            own |= {"PREFECT_UI_ENABLED": "false", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
        with _up(name, listener, "/api/health", own, workspace) as address:
            yield address


def keep_prefect(workspace: Workspace) -> None:
    """See that Prefect's database in this workspace is whole, and its owner's alone. A torn one is set aside for a new one:
    truth is the store and the ledger."""
    home = workspace.root / "prefect"
    with disk_faults(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    begin_again(home / "prefect.db", "a new one is begun. Results and releases are kept; Prefect's pages begin anew")


@contextmanager
def prefect_for_run(workspace: Workspace) -> Iterator[None]:
    """The Prefect that this process's flows report to: the one that its settings name, else one of its own while this lasts.

    Prefect would start one by itself, that accepts any caller.
    """
    from prefect.context import refresh_global_settings_context
    from prefect.events.worker import EventsWorker
    from prefect.settings import get_current_settings

    check_socks(os.environ)
    refresh_global_settings_context()
    api = get_current_settings().api
    ours = api.auth_string and api.auth_string.get_secret_value() == read_login(workspace.login)
    if api.url and not (ours and not _answers(f"{api.url}/health")):  # `ninefold env` names the server of a `ninefold ui`
        _check_shared(api.url)
        yield
        return
    with prefect_server(0, workspace, name="run") as address:
        own = prefect_client(address, workspace)
        before = {name: os.environ[name] for name in own if name in os.environ}
        os.environ |= own
        refresh_global_settings_context()
        try:
            yield
        finally:
            EventsWorker.drain_all(timeout=10)  # the states of the last tasks are still on their way
            for name in own:
                del os.environ[name]
            os.environ |= before
            refresh_global_settings_context()


def prefect_client(address: str, workspace: Workspace) -> dict[str, str]:
    """What a client of `prefect_server` needs in its environment."""
    return {
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_API_AUTH_STRING": make_login(workspace.login),
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
        **past_proxies(os.environ),
    }


def mlflow_client(address: str, workspace: Workspace) -> dict[str, str]:
    """What a client of `mlflow_server` needs in its environment."""
    return {
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": make_login(workspace.login),
        **past_proxies(os.environ),
    }


def shared_prefect(workspace: Workspace) -> str | None:
    """PREFECT_API_URL where the user set it; None where it is not set, and where `ninefold env` did."""
    own = os.environ.get("PREFECT_API_AUTH_STRING")
    return None if own and own == read_login(workspace.login) else os.environ.get("PREFECT_API_URL")


def _own(scheme: str, port: int) -> str:
    return f"{scheme}127.0.0.1:{port},{scheme}localhost:{port}"


@contextmanager
def _bound(port: int) -> Iterator[socket.socket]:
    """A socket that listens already before its server starts: no other program can come between."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError as error:
            raise MachineFault(f"port {port} is taken: stop what listens there, or give another with --port") from error
        yield listener


@contextmanager
def _up(name: str, listener: socket.socket, health: str, own: dict[str, str], workspace: Workspace) -> Iterator[str]:
    """The server `name` with `own` in its environment; it ends with this block, and when this process is gone."""
    make_login(workspace.login)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    environment = {**os.environ, **QUIET, **own, "NINEFOLD_HOME": str(workspace.root)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    workspace.logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "flows.guard", name, str(listener.fileno())]
    with (workspace.logs / f"server-{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
            start_new_session=True, pass_fds=[listener.fileno()], umask=0o077,
        )  # fmt: skip
        listener.close()  # the server's alone from here on
        try:
            _wait(address + health, process, log)
            yield address
        finally:
            _stop(process)


def _wait(url: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(url):
            return
        time.sleep(0.1)  # not up yet
    end = f"ended with code {process.returncode}" if process.returncode is not None else f"is not up after {WAIT_SECONDS} s"
    raise MachineFault(f"the server of {url} {end}; see its log: {log.name}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _check_shared(api: str) -> None:
    """Raise MachineFault where no Prefect answers at `api`, which the user set: every call to it would be tried for long."""
    from prefect.client.orchestration import get_client

    try:
        get_client(sync_client=True).raise_for_api_version_mismatch()
    except Exception as error:
        shown = without_secrets(api)
        reason = without_secrets(str(error.__cause__ or error).partition("\n")[0])
        raise MachineFault(
            f"PREFECT_API_URL: no Prefect API answers at {shown} ({reason}). Its address ends in /api; start that server, "
            "put the address right, or unset it: a run then reports to a server of its own"
        ) from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.stdin
    process.stdin.close()
