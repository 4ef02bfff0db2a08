"""`ninefold init`: what it does is in flows/init.py."""

from pathlib import Path
from typing import Annotated

import typer

from . import Json, print_report


def command(
    kind: Annotated[str, typer.Argument(help="Kind of task: a file in components/tasks", metavar="KIND")],
    name: Annotated[str, typer.Option(help="The use case's name: small letters, digits and _")] = "my_use_case",
    folder: Annotated[Path, typer.Option(help="Where the files go")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a commented contract and profile for a kind of task, to be filled in."""
    from flows.init import init, show

    print_report(init(kind, name, folder), as_json, show)
