"""`ninefold approve`: a person makes a version `champion`, on the record."""

from typing import Any

from rich.console import Console

from components import governance
from components.core import Workspace


def approve(model: str, version: int | None, by: str, reason: str) -> dict[str, Any]:
    """Record the approval and move the alias; returns the record."""
    approval = governance.approve(Workspace(), model, version, by, reason)
    return {"model": model, **approval.model_dump(mode="json")}


def show(report: dict[str, Any]) -> None:
    """Print who approved what."""
    line = f"{report['model']}: candidate {report['candidate'][:12]} is champion, by {report['by']}: {report['reason']}"
    Console().print(line, highlight=False, markup=False, soft_wrap=True)
