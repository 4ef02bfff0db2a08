"""`ninefold image`: the Docker image of a registered version, for an engine that came after the release."""

import json
import tempfile
from pathlib import Path
from typing import TypedDict

from rich.console import Console

from components.core import MachineFault, Workspace
from components.deployment.targets import docker
from components.governance import candidate_in
from flows.serve import version_named

QUESTIONS = 5
"""Of those that the version was measured on, asked of the image."""


class Report(TypedDict):
    """The image of a version. as_measured: how many of the questions it answered as it did when it was measured."""

    model: str
    version: int
    image: str
    megabytes: int
    run: str
    asked: int
    as_measured: int


def image(model: str, workspace: Workspace | None = None) -> Report:
    """Build the image of `model` (`name`, `name@alias` or `name@version`), unless the engine has it, and ask it.

    Raises MachineFault where no engine answers, or the image does not.
    """
    workspace = workspace or Workspace()
    version = version_named(workspace, model)
    candidate, bundle = candidate_in(workspace, version), version.bundle(workspace)
    with tempfile.TemporaryDirectory(dir=workspace.root) as scratch:
        row, note = docker.image(version.model, candidate, bundle, Path(scratch) / "image")
    if row is None:
        raise MachineFault(note)
    measured = json.loads((bundle / "reference.json").read_text())[:QUESTIONS]
    questions = [one["input"] for one in measured]
    asked, _ = docker.try_out(version.model, candidate, row, questions)
    same = sum(one.answer.strip() == other["answer"].strip() for one, other in zip(asked, measured, strict=True))
    return {
        "model": version.model, "version": version.version, "image": row["image"], "megabytes": row["megabytes"],
        "run": row["run"], "asked": len(asked), "as_measured": same,
    }  # fmt: skip


def show(report: Report) -> None:
    """Print the image and how to run it."""
    console = Console()
    answered = f"answered {report['asked']} questions, {report['as_measured']} of them as it was measured"
    named = f"{report['model']} version {report['version']}: image {report['image']} ({report['megabytes']} MB)"
    console.print(f"{named} {answered}", highlight=False)
    console.print(report["run"], highlight=False, soft_wrap=True)
