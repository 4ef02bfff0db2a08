"""Runs of the smoke profile, for rows that kill them or start them twice."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.core import Store, Workspace
from tests import warm
from tests.conftest import USE_CASE, Finished, environment, ninefold, two_ports

COMMAND = (str(USE_CASE), "--profile", "smoke", "--json")
OUTSIDE = ("mlflow.db*", "mlruns", "ledger.db*", "approvals.db*", "serving", "runs", "prefect", "logs", "cards")
AGAIN = ("evaluation.", "optimization.", "deployment.")
"""Steps that have to be done anew; what evaluation measured is sealed apart, and found again."""


@contextmanager
def prefect(folder: Path) -> Iterator[dict[str, str]]:
    """A Prefect server that runs share: what their environment needs to find it."""
    from flows.servers import prefect_client, prefect_server

    workspace = Workspace(folder)
    with prefect_server(two_ports(), workspace) as address:
        yield prefect_client(address, workspace)


def before_effects(finished: Finished, home: Path) -> Path:
    """A copy of a finished workspace in which nothing has been done outside yet, and the last stages are to be done."""
    finished.copy(home)
    for name in OUTSIDE:
        for path in home.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    store = Store(home / "store")
    for seal in store.seals():
        if seal.name.removeprefix("components.").startswith(AGAIN):
            store.unseal(seal.key, "to be done anew")
    shutil.rmtree(home / "store" / "tombstones", ignore_errors=True)
    return home


def victim(home: Path, servers: dict[str, str], *told: str) -> warm.Started:
    """`ninefold run` that is killed at a boundary (bench/safety/victims.py)."""
    return warm.Started(["bench.safety.victims", "run", *told, *COMMAND], environment(home) | servers, home.parent)


def started(home: Path, servers: dict[str, str]) -> warm.Started:
    """`ninefold run`, at work."""
    said = Path(tempfile.mkdtemp(dir=home.parent))
    return warm.Started(["flows.cli", "run", *COMMAND], environment(home) | servers, said)


def ended_as(finished: Finished, home: Path, servers: dict[str, str]) -> None:
    """Run to the end, and compare with the run that nobody killed: digests equal, nothing lost, nothing there twice."""
    from tests.flows.test_resume import assert_one_of_each

    done = ninefold(home, "run", *COMMAND, servers=servers, timeout=900)
    assert done.returncode == 0, done.stderr[-500:]
    summary: dict[str, Any] = json.loads(done.stdout)
    assert summary["candidate"] == finished.summary["candidate"]
    assert summary["test"] == finished.summary["test"]
    keys = [{stage["name"]: stage["key"] for stage in one["stages"]} for one in (summary, finished.summary)]
    assert keys[0] == keys[1]
    workspace = Workspace(home)
    assert workspace.store.damaged() == []
    assert_one_of_each(home)
    assert_effects_done_once(workspace)


def assert_effects_done_once(workspace: Workspace) -> None:
    """Every effect in the ledger is recorded, and there is one registration and one move of an alias."""
    from components.core import Ledger

    effects = Ledger(workspace.ledger).effects()
    assert [effect["key"] for effect in effects if not effect["done_at"]] == []
    kinds = [effect["kind"] for effect in effects]
    assert (kinds.count("register"), kinds.count("alias")) == (1, 1)
