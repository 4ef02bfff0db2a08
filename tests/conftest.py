"""One finished smoke run, shared by every test that looks at what a run leaves behind.

pytest-xdist gives each core a process that takes whole files of tests; what all of them share is made under a lock.
"""

import base64
import gc
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from filelock import FileLock

from components.core import ASSETS, Workspace, fetch
from components.core.code import ROOT
from components.core.rates import SHAPES, Rates, keep
from flows.servers import prefect_client
from flows.servers import prefect_server as serve_prefect
from tests import warm

os.environ.setdefault("OMP_NUM_THREADS", "1")  # each core has a process of its own
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # idle threads of one process take no core from its neighbours
os.environ["NINEFOLD_KEYS"] = "/nonexistent/keys"  # no test depends on keys of whoever runs it
USE_CASE = ROOT / "flows/use_cases/voice_helpdesk.yaml"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with a slow test go first, then those that start whole runs: one that came last would keep a single core
    busy for minutes."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> int:
        runs = item.path.parent.name == "flows" or item.path.name == "test_readme.py"
        return 0 if item.path in slow else 1 if runs else 2

    items.sort(key=place)


@pytest.fixture(scope="module", autouse=True)
def spared() -> None:
    """Take what earlier files imported out of garbage collections: there is a whole one behind each engine (`give_back`)."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def cards_in_git() -> Iterator[None]:
    """No test writes or deletes a card of the checkout: the one part of the project's tree that the product writes to."""
    before = _cards()
    yield
    assert _cards() == before, "a test changed model_cards/"


def _cards() -> dict[str, int]:
    return {str(path.relative_to(ROOT)): path.stat().st_mtime_ns for path in (ROOT / "model_cards").rglob("*")}


@dataclass(frozen=True)
class Finished:
    """A workspace in which the smoke run is done, and its summary."""

    home: Path
    summary: dict[str, Any]

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.home)

    def copy(self, home: Path) -> "Finished":
        """A copy at `home`, of what the run left: the workspace itself may be in use by a test on the other core."""
        shutil.copytree(self.home.with_name("untouched"), home, symlinks=True)
        return Finished(home, self.summary)


CANARIES = {
    "OPENAI_API_KEY": "canary-openai-5d2e91",
    "HF_TOKEN": "canary-hub-08c4fa",
    "AWS_SECRET_ACCESS_KEY": "canary-bucket-77ab03",
    "PGPASSWORD": "canary-table-e19d6c",
    "MLFLOW_TRACKING_PASSWORD": "canary-mlflow-4b80f2",
}
"""Secrets as a shell holds them, planted in the environment of every `ninefold` of the tests (`test_secrets`)."""


def environment(home: Path) -> dict[str, str]:
    """What a `ninefold` process in a test sees: its own workspace, no engine, no shared servers, planted secrets."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "DOCKER_"))}
    return {
        **own,
        **CANARIES,
        "NINEFOLD_HOME": str(home),
        "NINEFOLD_KEYS": str(home / "keys"),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "160",
    }


def ninefold(
    home: Path, *arguments: str, servers: dict[str, str] | None = None, fork: bool = True, timeout: int = 300
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own. servers: where shared ones are (`prefect_server`); fork: from a process
    that has imported already (tests/warm.py), else in an interpreter of its own, as a user's."""
    own = {**environment(home), **(servers or {})}
    if fork:
        return warm.run(["flows.cli", *arguments], own, timeout)
    command = [sys.executable, "-m", "flows.cli", *arguments]
    return subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def processor_seconds() -> float:
    """Processor seconds of this process's ended children: a neighbour on the other core changes them little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def two_ports() -> int:
    """The first of two free ports in a row, below those that the kernel gives to clients: a client's connection anywhere
    on the machine could take one of those between this look and the servers' start."""
    for port in range(20000 + os.getpid() * 2 % 10000, 32000, 2):
        with socket.socket() as first, socket.socket() as second:
            if first.connect_ex(("127.0.0.1", port)) and second.connect_ex(("127.0.0.1", port + 1)):
                return port
    raise OSError("no two free ports in a row")


RATES = Rates(
    processor="of the tests",
    torch="2",
    date="2026-11-30",
    gigabytes_per_second=9.0,
    gigaflops={model: {"float32": 100.0, "bfloat16": 50.0, "int8": 200.0} for model in SHAPES},
)
"""What workspaces of tests hold as measured: float32, whatever this processor is fast in."""


def new_home(path: Path) -> Path:
    """A workspace folder that finds the assets fetched for this checkout (and fetches them there once)."""
    shared = Workspace(ROOT / ".ninefold").assets
    shared.mkdir(parents=True, exist_ok=True)
    path.mkdir(parents=True, exist_ok=True)
    (path / "assets").symlink_to(shared)
    keep(RATES, path / "rates.json")
    return path


@pytest.fixture(scope="session", autouse=True)
def fetched() -> Path:
    """The assets of this checkout, fetched once (about 260 MB) before the first test that may need one."""
    workspace = Workspace(ROOT / ".ninefold")
    workspace.root.mkdir(exist_ok=True)
    with FileLock(workspace.root / "fetch.lock"):
        for name in ASSETS:
            fetch(name, workspace)
    return workspace.assets


def finished_in(folder: Path) -> Finished:
    """The voice help desk on the smoke profile, run in `folder` by whoever asks first."""
    folder.mkdir(parents=True, exist_ok=True)
    home, ended = folder / "home", folder / "summary.json"
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not ended.is_file():
            for stale in (home, folder / "untouched"):
                shutil.rmtree(stale, ignore_errors=True)
            done = ninefold(new_home(home), "run", str(USE_CASE), "--profile", "smoke", "--json", fork=False)
            assert done.returncode == 0, done.stderr + done.stdout
            assert done.stderr == ""
            shutil.copytree(home, folder / "untouched", symlinks=True)
            ended.write_text(done.stdout)
    return Finished(home, json.loads(ended.read_text()))


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Finished:
    """The voice help desk on the smoke profile, run once for the whole session."""
    base = tmp_path_factory.getbasetemp()
    return finished_in((base if worker_id == "master" else base.parent) / "finished")


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory, worker_id) -> Iterator[dict[str, str]]:
    """A Prefect server that tests of whole runs share, as a platform team keeps one: what a run's environment needs to find
    it, log-in included. A run that finds none starts its own, which takes some 8 processor seconds each time; `finished` is
    such a run.

    The first process that needs it starts it, and stops it when no other one uses it: up for eight minutes it takes another
    15 processor seconds.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    found, users = shared / "prefect.address", shared / "prefect.users"
    users.mkdir(exist_ok=True)
    mine = users / str(os.getpid())
    with ExitStack() as ours:
        with FileLock(shared / "prefect.lock"):
            if not (starts := not found.is_file()):
                client = json.loads(found.read_text())
            else:
                workspace = Workspace(tmp_path_factory.mktemp("prefect"))
                client = prefect_client(ours.enter_context(serve_prefect(two_ports(), workspace)), workspace)
                found.write_text(json.dumps(client))
            mine.touch()
        yield client
        mine.unlink()
        while starts:
            with FileLock(shared / "prefect.lock"):
                if not any(psutil.pid_exists(int(user.name)) for user in users.iterdir()):
                    found.unlink()
                    break
            time.sleep(0.2)


class _Patient(httpx.HTTPTransport):
    """Asks again where Prefect's server is busy: it says 503 while another call holds its database, and Prefect's own
    clients come back then too."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        for _ in range(9):
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            response.close()
            time.sleep(1)
            response = super().handle_request(request)
        return response


def prefect_api(server: dict[str, str]) -> httpx.Client:
    """A client of Prefect's API as its pages are one: with the log-in, and the token against forged requests."""
    basic = base64.b64encode(server["PREFECT_API_AUTH_STRING"].encode()).decode()
    client = httpx.Client(
        base_url=server["PREFECT_API_URL"], headers={"Authorization": f"Basic {basic}"}, timeout=90, transport=_Patient()
    )
    token = client.get("/csrf-token", params={"client": "tests"}).json()["token"]
    client.headers.update({"Prefect-Csrf-Client": "tests", "Prefect-Csrf-Token": token})
    return client


@pytest.fixture
def copied(finished, tmp_path) -> Finished:
    """A copy of the finished workspace that a test may change."""
    return finished.copy(tmp_path / "home")
