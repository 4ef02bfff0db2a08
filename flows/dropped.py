"""`ninefold dropped`: every row and passage that a run's data step left out, and every text that it cut, with its reason."""

from collections import Counter
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table

from components.core import BadInput, Workspace, read_jsonl
from flows.run import read_summary, summaries

SHOWN = 40
"""Lines on the screen; `--json` has all of them."""


class Line(TypedDict, total=False):
    """A line of a data step's `dropped.jsonl`."""

    source: str
    line: int
    file: str
    part: str
    step: str
    reason: str
    cut: str
    characters: int


class Report(TypedDict):
    """What a run left out."""

    run_id: str
    lines: list[Line]


def dropped(run: str, reason: str = "", workspace: Workspace | None = None) -> Report:
    """What the run with this id left out, or the last run of the use case called so; only what has `reason` in its reason.
    Raises BadInput where there is no such run, or it did not come as far, Damaged where what it sealed was."""
    workspace = workspace or Workspace()
    folder = _folder(workspace, run)
    ended = [summary for path in summaries(folder) if (summary := read_summary(path))]
    keys = [key for summary in ended if (key := summary["data"]["key"])]
    seal = next((seal for key in keys if (seal := workspace.store.sealed(key))), None)
    if seal is None:
        workspace.store.whole()
        raise BadInput(f"run '{folder.name}': its data step did not end; `ninefold runs` says how to go on with it")
    lines: list[Line] = read_jsonl(workspace.store.file(seal.result["dropped"]))
    return {"run_id": folder.name, "lines": [line for line in lines if reason.casefold() in line["reason"].casefold()]}


def _folder(workspace: Workspace, run: str) -> Path:
    asked = [folder for folder in workspace.runs.glob("*") if run in (folder.name, folder.name.rsplit("-", 2)[0])]
    mine = [folder for folder in asked if summaries(folder)]
    if asked and not mine:
        raise BadInput(
            f"run '{asked[0].name}': it left no summary, or that was damaged; `ninefold runs` says how to go on with it"
        )
    if not mine:
        known = ", ".join(sorted(folder.name for folder in workspace.runs.glob("*") if summaries(folder))) or "none yet"
        raise BadInput(f"'{run}' is no run of this workspace, nor a use case that ran in it; runs: {known}")
    return max(mine, key=lambda folder: max(path.stat().st_mtime for path in summaries(folder)))


def show(report: Report) -> None:
    """Print counts by step and reason, then the first lines."""
    console, lines = Console(), report["lines"]
    if not lines:
        console.print(f"{report['run_id']}: nothing was left out")
        return
    counts = Counter((line["step"], line["reason"]) for line in lines)
    table = Table(
        "step", "reason", "rows and passages", title=f"{report['run_id']}: what was left out", title_justify="left"
    )
    for (step, reason), count in counts.most_common():
        table.add_row(step, reason, f"{count:,}")
    console.print(table)
    for line in lines[:SHOWN]:
        file = f" ({line['file']})" if "file" in line else ""
        console.print(
            f"{line['source']}:{line['line']}{file}  {line['step']}: {line['reason']}", highlight=False, markup=False
        )
    if len(lines) > SHOWN:
        console.print(f"… and {len(lines) - SHOWN:,} more: --json lists them all, --reason chooses")
