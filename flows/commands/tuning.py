"""`ninefold tuning …`: what it does is in flows/training_rows.py."""

from typing import Annotated

import typer

from . import Json, ProfileName, UseCasePath, print_report

HELP = "What tuning trains on."


def _show(
    use_case: UseCasePath,
    profile: ProfileName = "cpu",
    rows: Annotated[int, typer.Option(min=1, help="Rows to print, and as many practice rows")] = 3,
    as_json: Json = False,
) -> None:
    """Print training rows as they are trained, what is learned in colour; count what was cut or left out. Trains nothing."""
    from flows.training_rows import show, training_rows

    print_report(training_rows(use_case, profile, rows), as_json, show)


SUBCOMMANDS = {"show": _show}
