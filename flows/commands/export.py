"""`ninefold export`: what it does is in flows/export.py."""

from pathlib import Path
from typing import Annotated

import typer

from . import Json, print_report


def command(
    model: Annotated[str, typer.Argument(help="Registered model, `name`, `name@alias` or `name@version`")],
    folder: Annotated[Path, typer.Argument(help="Where to write; it must not be there yet")],
    form: Annotated[str, typer.Option(help="hugging_face, gguf or ollama")] = "hugging_face",
    weights: Annotated[str, typer.Option(help="gguf, ollama: bf16, f16 or q8_0")] = "bf16",
    as_json: Json = False,
) -> None:
    """Write a released model for other programs: a folder for transformers, a GGUF file, a folder for Ollama."""
    from flows.export import export, show

    print_report(export(model, folder, form, weights), as_json, show)
