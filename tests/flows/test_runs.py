"""`ninefold runs`: each run of a workspace with its state, and the command that goes on with it."""

import json
import os
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.core import EXIT_CODES, Workspace
from components.core.code import ROOT
from flows.runs import BEGUN, UNTOLD, begin, runs
from tests.conftest import ninefold


def summary(folder: Path, exit_code: int, until: str | None = None) -> None:
    stages = [{"name": "use_case", "status": "ran"}, {"name": "selection", "status": "skipped"}]
    text = json.dumps({"exit": exit_code, "until": until, "seconds": 3.0, "stages": stages})
    (folder / (f"until-{until}.json" if until else "summary.json")).write_text(text)


def began(folder: Path, process: int, ago: int = 0) -> None:
    folder.mkdir(parents=True)
    begin(folder, ["run", "desk.yaml", "--profile", "smoke"])
    note = json.loads((folder / BEGUN).read_text())
    at = datetime.now(UTC) - timedelta(seconds=ago)
    (folder / BEGUN).write_text(json.dumps({**note, "process": process, "at": at.isoformat()}))


def test_every_state_is_told_apart(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for code in EXIT_CODES:
        began(workspace.runs / f"ended-{code}", 0, ago=60)
        summary(workspace.runs / f"ended-{code}", code)
    began(workspace.runs / "until", 0, ago=60)
    summary(workspace.runs / "until", 0, until="selection")
    began(workspace.runs / "running", os.getpid())
    began(workspace.runs / "killed", 2**22 + 1)
    began(workspace.runs / "number-taken", os.getpid(), ago=10**7)
    states = {run["run_id"]: run["state"] for run in runs(workspace)}
    assert states == {
        "ended-0": "released", "ended-1": "a gate said no", "ended-2": "bad input", "ended-3": "the machine failed",
        "ended-4": EXIT_CODES[4], "ended-130": "interrupted", "ended-143": "stopped",
        "until": "stopped after selection, as asked", "running": "running", "killed": "killed", "number-taken": "killed",
    }  # fmt: skip


def test_a_run_that_began_again_after_its_summary_is_not_the_one_that_ended(tmp_path: Path) -> None:
    folder = Workspace(tmp_path).runs / "again"
    began(folder, 2**22 + 1)
    summary(folder, 3)
    os.utime(folder / "summary.json", (0, 0))
    assert runs(Workspace(tmp_path))[0]["state"] == "killed"


@pytest.mark.parametrize("torn", ["", '{"at": "2026-', "[]", "null", "{}"])
def test_a_damaged_note_or_summary_is_named_and_set_aside(
    tmp_path: Path, torn: str, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = Workspace(tmp_path)
    for name, file in (("one", BEGUN), ("two", "summary.json")):
        began(workspace.runs / name, 0, ago=60)
        summary(workspace.runs / name, 0)
        (workspace.runs / name / file).write_text(torn)
    assert {run["run_id"]: run["state"] for run in runs(workspace)} == {"one": "released", "two": UNTOLD}
    for path in (workspace.runs / "one" / BEGUN, workspace.runs / "two" / "summary.json"):
        assert f"{path}: damaged (" in caplog.text
        assert path.with_name(f"{path.name}.damaged").read_text() == torn
        assert not path.exists()


def test_a_real_run_is_listed_with_the_command_that_shows_it_again(finished) -> None:
    (run,) = json.loads(ninefold(finished.home, "runs", "--json").stdout)
    assert (run["run_id"], run["state"], run["stage"]) == (finished.summary["run_id"], "released", "deployment")
    words = shlex.split(run["resume"])
    assert words == ["ninefold", "run", "flows/use_cases/voice_helpdesk.yaml", "--profile", "smoke"]
    assert (ROOT / words[2]).is_file()
    assert finished.summary["run_id"] in ninefold(finished.home, "runs").stdout


def test_a_new_workspace_says_how_to_begin(tmp_path: Path) -> None:
    assert "ninefold run <use case>" in ninefold(tmp_path / "home", "runs").stdout
