"""`ninefold ui`: what it does is in flows/ui.py."""

from . import FirstPort


def command(port: FirstPort = 5000) -> None:
    """Open MLflow and Prefect on this workspace, until Ctrl-C."""
    from flows.ui import ui

    ui(port)
