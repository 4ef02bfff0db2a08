"""`ninefold ui`: MLflow and Prefect on this workspace, on loopback, until Ctrl-C or SIGTERM; `ninefold env`: what their
clients need."""

import shlex
import signal
import sys
from contextlib import ExitStack
from typing import NoReturn

import typer
from rich.console import Console

from components.core import Workspace
from components.core.address import without_secrets
from components.core.login import USER
from flows.interrupt import Signals
from flows.servers import mlflow_client, mlflow_server, prefect_client, prefect_server, shared_prefect

PORT = 5000
ENDS = (signal.SIGINT, signal.SIGTERM)


def ui(port: int) -> None:
    """Serve MLflow on `port` and Prefect on the next until Ctrl-C or SIGTERM, which stop both and exit 0: the servers are in
    sessions of their own, where no signal from outside finds them. One that the user shares is only named."""
    Signals.usual = True
    for end in ENDS:
        signal.signal(end, _leave)
    workspace = Workspace()
    shown = _shared(workspace)
    lines = {name: f"{address}  (shared: its own log-in)" for name, address in shown.items()}
    with ExitStack() as servers:
        if "mlflow" not in shown:
            lines["mlflow"] = f"{servers.enter_context(mlflow_server(port, workspace))}  (user: {USER})"
        if "prefect" not in shown:
            lines["prefect"] = servers.enter_context(prefect_server(port + 1, workspace))
        if len(shown) < 2:
            lines["password"] = f"the one line in {workspace.login}"
        lines["programs"] = f'eval "$(ninefold env{"" if port == PORT else f" --port {port}"})"'
        for name, line in lines.items():
            Console().print(f"  {name:<8}  {line}", soft_wrap=True, highlight=False)
        Console().print("  Ctrl-C stops both")
        signal.pause()


def env(port: int) -> dict[str, str]:
    """What `prefect`, `mlflow` and notebooks need to reach the servers of a `ninefold ui` on `port`: names and values for
    their environment, without those of servers that the user shares."""
    workspace = Workspace()
    shared = _shared(workspace)
    variables = {"NINEFOLD_HOME": str(workspace.root)}
    if "mlflow" not in shared:
        variables |= mlflow_client(f"http://127.0.0.1:{port}", workspace)
    if "prefect" not in shared:
        variables |= prefect_client(f"http://127.0.0.1:{port + 1}", workspace)
    return variables


def show_env(variables: dict[str, str]) -> None:
    """Print it for a shell: `eval "$(ninefold env)"`."""
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def _shared(workspace: Workspace) -> dict[str, str]:
    """Server → address of those that the user shares, without a password that stands in it."""
    tracking = workspace.shared_tracking or ""
    given = {"mlflow": tracking if tracking.startswith("http") else "", "prefect": shared_prefect(workspace) or ""}
    return {name: without_secrets(address) for name, address in given.items() if address}


def _leave(*_: object) -> NoReturn:
    for end in ENDS:
        signal.signal(end, signal.SIG_IGN)  # a second Ctrl-C may not break off the stopping
    sys.exit(0)
