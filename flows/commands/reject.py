"""`ninefold reject`: what it does is in flows/approve.py."""

from typing import Annotated

import typer

from . import Json, ModelName, Person, Role, print_report


def command(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may not be champion")],
    version: Annotated[int | None, typer.Option(help="Version; the newest candidate where not given")] = None,
    by: Person = "",
    role: Role = "",
    as_json: Json = False,
) -> None:
    """Refuse a version, on the record; what approved it before ends."""
    from flows.approve import decide, show

    print_report(decide("reject", model, version, by, reason, role=role), as_json, show)
