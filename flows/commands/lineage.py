"""`ninefold lineage`: what it does is in flows/lineage.py."""

from pathlib import Path
from typing import Annotated

import typer

from . import Json, print_report


def command(
    model: Annotated[str | None, typer.Argument(help="Registered model, `name`, `name@alias` or `name@version`")] = None,
    row: Annotated[
        str | None, typer.Option(help="Where this source row or passage went: its id, its text, or `<source>:<line>`")
    ] = None,
    mermaid: Annotated[bool, typer.Option(help="Print a Mermaid picture")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one page with the picture to this file")] = None,
    as_json: Json = False,
) -> None:
    """Draw where a release came from, from source rows to the endpoint; or where one row went, or why it was left out."""
    from flows import lineage as flow

    if (model is None) == (row is None):
        raise typer.BadParameter("give a registered model, or --row")
    if row is not None:
        print_report(flow.trace(row), as_json, flow.show_row)
        return
    assert model is not None, "checked above"
    graph = flow.lineage(model)
    if text := flow.written(graph, model, html, mermaid=mermaid, as_json=as_json):
        typer.echo(text)
    else:
        flow.show(graph)
