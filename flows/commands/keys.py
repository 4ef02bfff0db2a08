"""`ninefold keys …`: what it does is in flows/keys.py."""

from typing import Annotated

import typer

from . import Json, print_report

HELP = "The operator's signing key."


def _init(as_json: Json = False) -> None:
    """Make the pair that signs approvals and served folders, in the folder NINEFOLD_KEYS; one that is there stays."""
    from flows.keys import init, show

    print_report(init(), as_json, show)


def _rotate(as_json: Json = False) -> None:
    """Sign with a new pair from now on; what the old one signed still holds."""
    from flows.keys import rotate, show

    print_report(rotate(), as_json, show)


def _revoke(
    key: Annotated[str, typer.Argument(help="Name of a key that was lost or stolen; today's is replaced first")],
    as_json: Json = False,
) -> None:
    """Believe no signature of a key that does not say when it was made: folders that it signed are not served."""
    from flows.keys import revoke, show

    print_report(revoke(key), as_json, show)


SUBCOMMANDS = {"init": _init, "rotate": _rotate, "revoke": _revoke}
