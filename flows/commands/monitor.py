"""`ninefold monitor`: what it does is in flows/monitor.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    model: Annotated[str, typer.Argument(help="Registered model's name")],
    version: Annotated[int | None, typer.Option(help="Version; the champion, else the candidate where not given")] = None,
    as_json: Json = False,
) -> None:
    """Compare logged traffic with the version's reference window; exit 1 on drift, 4 with too little of it."""
    from flows.start import quiet_libraries

    with quiet_libraries("monitor"):
        from flows.monitor import Parameters, monitor, show

        report = monitor(Parameters(model=model, version=version))
    print_report(report, as_json, show)
    raise typer.Exit({True: 1, False: 0, None: 4}[report["drift"]])
