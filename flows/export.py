"""`ninefold export`: the model of a registered version for other programs (components/deployment/exports)."""

from pathlib import Path
from typing import TypedDict

from rich.console import Console

from components.core import Workspace
from components.deployment.exports import Given
from components.deployment.exports import export as write
from components.governance import candidate_in
from components.governance.registry import card_file
from flows.serve import version_named


class Report(TypedDict):
    """What was written."""

    model: str
    version: int
    form: str
    folder: str
    files: list[str]
    notes: list[str]


def export(model: str, folder: Path, form: str, weights: str, workspace: Workspace | None = None) -> Report:
    """Write the model of `model` (`name`, `name@alias` or `name@version`) to `folder`. Raises BadInput as the form does."""
    workspace = workspace or Workspace()
    version = version_named(workspace, model)
    card = card_file(workspace, version)
    text = card.read_text(encoding="utf-8") if card else ""
    given = Given(version.model, candidate_in(workspace, version), workspace.store, weights, text)
    notes = write(form, given, folder)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Report(model=version.model, version=version.version, form=form, folder=str(folder), files=files, notes=notes)


def show(report: Report) -> None:
    """Print what was written, and what to know of it."""
    console = Console()
    what = f"{report['model']} version {report['version']} as {report['form']}: {report['folder']}"
    console.print(f"{what} ({', '.join(report['files'])})", highlight=False)
    for note in report["notes"]:
        console.print(note, highlight=False, soft_wrap=True)
