"""`ninefold review`: what it does is in flows/review.py."""

from typing import Annotated

import typer


def command(port: Annotated[int, typer.Option(help="Port on loopback")] = 8100) -> None:
    """Serve the review page (card, diff with the champion, evidence, approve or reject) until Ctrl-C."""
    from flows.review import review

    review(port)
