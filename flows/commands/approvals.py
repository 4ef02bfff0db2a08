"""`ninefold approvals`: what it does is in flows/approve.py."""

from typing import Annotated

import typer

from . import Json, Person, print_report


def command(
    model: Annotated[str | None, typer.Argument(help="Registered model's name; all where not given")] = None,
    verify: Annotated[bool, typer.Option(help="Compare with MLflow too; exit 1 when anything is broken")] = False,
    wrong_clock: Annotated[
        str, typer.Option("--correct-clock", metavar="WHY", help="Say on the record that the clock had run ahead")
    ] = "",
    by: Person = "",
    as_json: Json = False,
) -> None:
    """Print the record of approvals, and what is broken in it."""
    from flows.approve import correct_clock, history, show_history

    report = correct_clock(by, wrong_clock) if wrong_clock else history(model, verify)
    print_report(report, as_json, show_history)
    raise typer.Exit(0 if report["ok"] else 1)
