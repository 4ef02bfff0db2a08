"""`ninefold rollback`: what it does is in flows/approve.py."""

from typing import Annotated

import typer

from . import Json, ModelName, Person, Role, print_report


def command(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why the champion goes")],
    by: Person = "",
    role: Role = "",
    as_json: Json = False,
) -> None:
    """Make `previous` champion again, on the record, if its approval stands."""
    from flows.approve import rollback, show

    print_report(rollback(model, by, reason, role), as_json, show)
