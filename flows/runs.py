"""`ninefold runs`: the runs of a workspace, newest first, how each ended, and the command that goes on with it.

A run writes down that it began (`begin`) before its first stage, so that one which was killed is found as well.
"""

import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import psutil
from rich.console import Console

from components.core import EXIT_CODES, Workspace, publish_json
from components.core.errors import Damaged
from components.core.files import read_json, set_aside
from flows.run import read_summary, summaries
from flows.view import shown_clock

BEGUN = "begun.json"
ENDED = {**EXIT_CODES, 0: "released", 130: "interrupted", 143: "stopped"}
DONE = (ENDED[0], ENDED[1])
UNTOLD = "ended, its summary was damaged"


class Begun(TypedDict):
    """What `begin` writes."""

    at: str
    process: int
    command: list[str]


class Listed(TypedDict):
    """A run of a workspace."""

    run_id: str
    at: str
    """When it last began, in UTC."""
    state: str
    """running, killed, how it ended, or that nothing says how any more."""
    stage: str
    """The last stage that it finished."""
    seconds: float | None
    resume: str
    """The command that goes on with it, or shows it again where it is finished."""


def begin(folder: Path, command: list[str]) -> None:
    """Note in a run's folder that it begins: when, by which process, and by which command it is gone on with."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    publish_json(folder / BEGUN, Begun(at=at, process=os.getpid(), command=command))


def runs(workspace: Workspace | None = None) -> list[Listed]:
    """All runs of `workspace`, newest first."""
    workspace = workspace or Workspace()
    return sorted(_listed(workspace), key=lambda run: run["at"], reverse=True)


def _listed(workspace: Workspace) -> Iterator[Listed]:
    for folder in sorted(path for path in workspace.runs.glob("*") if path.is_dir()):
        begun = _begun(folder / BEGUN)
        ended = max(summaries(folder), key=_written, default=None)
        if begun is None and ended is None:
            continue
        at = datetime.fromisoformat(begun["at"]) if begun else _written(ended or folder)
        run = Listed(
            run_id=folder.name, at=at.isoformat(timespec="seconds"), state="killed", stage="", seconds=None, resume=""
        )
        if begun:
            run["resume"] = shlex.join(["ninefold", *map(_as_typed_here, begun["command"])])
        if summary := read_summary(ended) if ended and _written(ended) >= at else None:
            done = [stage["name"] for stage in summary["stages"] if stage["status"] != "skipped"]
            until = summary["until"]
            run["state"] = f"stopped after {until}, as asked" if until else ENDED[summary["exit"]]
            run["stage"], run["seconds"] = done[-1] if done else "", summary["seconds"]
        elif begun and _lives(begun["process"], at):
            run["state"] = "running"
        elif any(_written(aside) >= at for aside in folder.glob("*.json.damaged") if aside.stem != BEGUN):
            run["state"] = UNTOLD
        yield run


def show(report: list[Listed]) -> None:
    """Print each run with its state, and under one that is not finished the command that goes on with it."""
    console = Console()
    if not report:
        console.print("no run in this workspace yet: ninefold run <use case>")
    for run in report:
        began = run["at"].removesuffix("+00:00").replace("T", " ")
        after = f", last stage {run['stage']}" if run["stage"] and run["state"] not in DONE else ""
        clock = "" if run["seconds"] is None else f", {shown_clock(run['seconds'])}"
        console.print(f"{run['run_id']}  [bold]{run['state']}[/]{after}{clock}, began {began} UTC", highlight=False)
        if run["resume"] and run["state"] not in (*DONE, "running"):
            console.print(f"  go on with it: {run['resume']}", highlight=False, soft_wrap=True)


def _begun(path: Path) -> Begun | None:
    """What `begin` wrote, None where there is no such file, and where it is damaged: it is named and set aside then."""
    if not path.is_file():
        return None
    try:
        begun: Begun = read_json(path)
        if not isinstance(begun, dict) or not Begun.__required_keys__ <= begun.keys():
            raise Damaged(path, "it is no record of a beginning")
    except Damaged as damaged:
        set_aside(path, damaged.reason, "the run goes on from its seals")
        return None
    return begun


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _lives(process: int, since: datetime) -> bool:
    """Whether that process goes on; a younger one with its number is another."""
    try:
        return psutil.Process(process).create_time() <= since.timestamp() + 1
    except psutil.NoSuchProcess:
        return False


def _as_typed_here(word: str) -> str:
    """A path relative to the folder that the user stands in, where it lies in there."""
    path = Path(word)
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else word
