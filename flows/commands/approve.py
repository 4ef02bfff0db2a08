"""`ninefold approve`: what it does is in flows/approve.py."""

from typing import Annotated

import typer

from . import Json, ModelName, Person, Role, print_report


def command(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may become champion")],
    version: Annotated[int | None, typer.Option(help="Version; the newest candidate where not given")] = None,
    by: Person = "",
    role: Role = "",
    as_json: Json = False,
) -> None:
    """Approve a version, on the record; it becomes `champion` once nobody else is needed."""
    from flows.approve import decide, show

    print_report(decide("approve", model, version, by, reason, role=role), as_json, show)
