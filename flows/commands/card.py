"""`ninefold card …`: what it does is in flows/card.py."""

from pathlib import Path
from typing import Annotated

import typer

from . import Json, print_report

HELP = "Verify, compare and render model cards."
Card = Annotated[str, typer.Argument(help="A card's path, or a registered model: `name` or `name@alias`")]


def _verify(
    card: Card,
    offline: Annotated[bool, typer.Option(help="Pass when only what is not in this workspace is unverified")] = False,
    as_json: Json = False,
) -> None:
    """Compute every figure of a card again from its evidence; exit 1 when one does not hold, or cannot be verified."""
    from flows.card import show_verified, verify

    report = verify(card, offline)
    print_report(report, as_json, show_verified)
    raise typer.Exit(0 if report["ok"] else 1)


def _lint(card: Card, as_json: Json = False) -> None:
    """Look for inconsistencies and unfilled text in a card; exit 1 when there are any."""
    from flows.card import lint, show_linted

    report = lint(card)
    print_report(report, as_json, show_linted)
    raise typer.Exit(0 if report["ok"] else 1)


def _diff(before: Card, after: Card, as_json: Json = False) -> None:
    """Say what changed between two cards."""
    from flows.card import diff, show_diff

    print_report(diff(before, after), as_json, show_diff)


def _print(card: Card, as_json: Json = False) -> None:
    """Write a card as PDF beside it."""
    from flows.card import print_pdf, show_rendered

    print_report(print_pdf(card), as_json, show_rendered)


def _render(
    card: Card,
    template: Annotated[Path | None, typer.Option(help="Print it by a template of your own instead")] = None,
    as_json: Json = False,
) -> None:
    """Write a card anew from its record."""
    from flows.card import render, show_rendered

    print_report(render(card, template), as_json, show_rendered)


SUBCOMMANDS = {"verify": _verify, "lint": _lint, "diff": _diff, "print": _print, "render": _render}
