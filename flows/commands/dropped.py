"""`ninefold dropped`: what it does is in flows/dropped.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    run: Annotated[str, typer.Argument(help="A run's id, as `ninefold runs` shows it, or a use case's name: its last run")],
    reason: Annotated[str, typer.Option(help="Only those with these words in their reason")] = "",
    as_json: Json = False,
) -> None:
    """List the rows and passages that a run left out: source, line, step and reason."""
    from flows.dropped import dropped, show

    print_report(dropped(run, reason), as_json, show)
