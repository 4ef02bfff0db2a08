"""`ninefold study`: what it does is in flows/study.py."""

import json
from typing import Annotated

import typer

from . import Json, print_report


def command(
    names: Annotated[list[str] | None, typer.Argument(help="Studies by name, or `all`; none: list them")] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Seconds on a two-layer model: tries the study, not the claim")
    ] = False,
    only_list: Annotated[bool, typer.Option("--list", help="List the claims and what was measured")] = False,
    as_json: Json = False,
) -> None:
    """Measure what people say about adapting models, each claim fixed beforehand; list the claims where no name is given."""
    from components.core import canonical
    from flows.studies import STUDIES
    from flows.study import listed, run_studies, show

    wanted = list(STUDIES) if names == ["all"] else names or []
    report = run_studies(wanted, smoke) if wanted and not only_list else listed(smoke)
    if as_json:
        print_report(json.loads(canonical(report)), True, print)
    else:
        show(report)
