"""`ninefold forget`: what it does is in flows/forget.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    subject: Annotated[str, typer.Argument(help="A text (an address, a name, a phrase), or the id of a row or an answer")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete for good")] = False,
    as_json: Json = False,
) -> None:
    """Delete every trace of a subject, keep it out of later runs, and search again; exit 1 where something is left."""
    from flows.forget import forget, show
    from flows.start import quiet_libraries

    with quiet_libraries("forget"):
        report = forget(subject, dry_run=dry_run, yes=yes)
    print_report(report, as_json, show)
    raise typer.Exit(1 if report["left"] else 0)
