"""`ninefold serve`: what it does is in flows/serve.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    model: Annotated[str, typer.Argument(help="Registered model, `name` or `name@alias`")],
    port: Annotated[int | None, typer.Option(help="Port; the contract's where not given")] = None,
    as_json: Json = False,
) -> None:
    """Keep an OpenAI-compatible endpoint up for a registered model."""
    from flows.serve import serve, show

    print_report(serve(model, port), as_json, show)
