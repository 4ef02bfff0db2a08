"""`ninefold image`: what it does is in flows/image.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    model: Annotated[str, typer.Argument(help="Registered model, `name`, `name@alias` or `name@version`")],
    as_json: Json = False,
) -> None:
    """Build the Docker image of a registered version, ask it, and print the line that runs it."""
    from flows.image import image, show

    print_report(image(model), as_json, show)
