"""One finished smoke run, shared by every test that looks at what a run leaves behind."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.core import ASSETS, Workspace, fetch
from components.core.code import ROOT

USE_CASE = ROOT / "flows/use_cases/voice_helpdesk.yaml"


@dataclass(frozen=True)
class Finished:
    """A workspace in which the smoke run is done, and its summary."""

    home: Path
    summary: dict[str, Any]

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.home)


def environment(home: Path) -> dict[str, str]:
    """What a `ninefold` process in a test sees: its own workspace, no engine, no shared servers."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "DOCKER_"))}
    return {**own, "NINEFOLD_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "160"}


def ninefold(home: Path, *arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "flows.cli", *arguments]
    return subprocess.run(command, env=environment(home), cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def new_home(path: Path) -> Path:
    """A workspace folder that finds the assets fetched for this checkout (and fetches them there once)."""
    shared = Workspace(ROOT / ".ninefold").assets
    shared.mkdir(parents=True, exist_ok=True)
    path.mkdir(parents=True, exist_ok=True)
    (path / "assets").symlink_to(shared)
    return path


@pytest.fixture(scope="session", autouse=True)
def fetched() -> Path:
    """The assets of this checkout, fetched once (about 260 MB) before the first test that may need one."""
    workspace = Workspace(ROOT / ".ninefold")
    for name in ASSETS:
        fetch(name, workspace)
    return workspace.assets


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Finished:
    """The voice help desk on the smoke profile, run once for the whole session."""
    home = new_home(tmp_path_factory.mktemp("finished") / "home")
    done = ninefold(home, "run", str(USE_CASE), "--profile", "smoke", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stderr == ""
    return Finished(home, json.loads(done.stdout))


@pytest.fixture
def copied(finished, tmp_path) -> Finished:
    """A copy of the finished workspace that a test may change."""
    home = tmp_path / "home"
    shutil.copytree(finished.home, home, symlinks=True)
    return Finished(home, finished.summary)
