"""`ninefold runs`: what it does is in flows/runs.py."""

from . import Json, print_report


def command(as_json: Json = False) -> None:
    """List this workspace's runs: how each ended, or where it stands, and the command that goes on with it."""
    from flows.runs import runs, show

    print_report(runs(), as_json, show)
