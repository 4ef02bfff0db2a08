"""`ninefold run`: what it does is in flows/start.py."""

from typing import Annotated

import typer

from . import Json, ProfileName, UseCasePath


def command(
    use_case: UseCasePath,
    profile: ProfileName = "cpu",
    until: Annotated[str | None, typer.Option(help="Stop after this stage")] = None,
    verify: Annotated[bool, typer.Option(help="Re-hash every stored object first")] = False,
    as_json: Json = False,
) -> None:
    """Take a use case through all nine stages; what is sealed already is reused."""
    from flows.start import start

    raise typer.Exit(start(use_case, profile, until=until, verify=verify, as_json=as_json))
