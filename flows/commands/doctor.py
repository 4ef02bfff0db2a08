"""`ninefold doctor`: what it does is in flows/doctor.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure again what the processor computes in each dtype: later runs follow")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check versions, memory, disk, ports and engines of this machine."""
    from flows.doctor import examine, show

    report = examine(measure)
    print_report(report, as_json, show)
    raise typer.Exit(0 if report["ok"] else 3)
