"""`ninefold register`: what it does is in flows/start.py."""

from pathlib import Path
from typing import Annotated

import typer

from . import Json, ProfileName


def command(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint folder, or the id of one on a hub")],
    use_case: Annotated[Path, typer.Option(help="The use case whose gates it must pass")],
    licence: Annotated[str, typer.Option(help="SPDX identifier of the model's licence")],
    made_from: Annotated[
        str | None,
        typer.Option(help="What it was made from: the catalogue's name, a folder or a hub id; bounds on worsening need it"),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(help="SHA-256 of its chat template, where it is meant to differ from that of what it was made from"),
    ] = None,
    profile: ProfileName = "cpu",
    as_json: Json = False,
) -> None:
    """Take a model trained elsewhere through evaluation, card and registration by the same gates."""
    from flows.own_model import Elsewhere
    from flows.start import start

    own = Elsewhere(checkpoint, licence, made_from, template)
    raise typer.Exit(start(use_case, profile, checkpoint=own, as_json=as_json))
