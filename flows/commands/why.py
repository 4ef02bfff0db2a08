"""`ninefold why`: what it does is in flows/why.py."""

from typing import Annotated

import typer

from . import Json, print_report


def command(
    answer: Annotated[str, typer.Argument(help="Id of a served answer, or `last`")],
    as_json: Json = False,
) -> None:
    """Walk from a served answer to its passages, prompt, weights, data, figures and approver."""
    from flows.why import show, why

    print_report(why(answer), as_json, show)
