"""`ninefold stop`: what it does is in flows/serve.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    model: Annotated[str | None, typer.Argument(help="Registered model; every endpoint where not given")] = None,
    as_json: Json = False,
) -> None:
    """Stop a kept endpoint, or all of this workspace."""
    from flows.serve import show, stop

    print_report(stop(model), as_json, show)
