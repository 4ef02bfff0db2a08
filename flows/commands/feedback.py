"""`ninefold feedback …`: what it does is in flows/feedback.py."""

from typing import Annotated

import typer

from . import Json, ModelName, Person, print_report

HELP = "What waits for a person of what callers said."
FeedbackIds = Annotated[list[str] | None, typer.Argument(help="Ids of items, as `list` shows them", metavar="[ID]...")]
FeedbackSource = Annotated[str, typer.Option("--source", help="All of this source that nobody has decided on")]


def _list(
    model: ModelName,
    every: Annotated[bool, typer.Option("--all", help="All feedback, not only what waits for a person")] = False,
    as_json: Json = False,
) -> None:
    """List feedback that is in quarantine, beyond what one answer or one source may give."""
    from flows.feedback import listed, show

    print_report(listed(model, every=every), as_json, show)


def _accept(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may be trained on")],
    ids: FeedbackIds = None,
    source: FeedbackSource = "",
    by: Person = "",
    as_json: Json = False,
) -> None:
    """Release items from quarantine, on the record: no cap holds for them."""
    from flows.feedback import decide, show_decision

    report = decide("accept", model, ids or [], by, reason, source=source)
    print_report(report, as_json, show_decision)


def _reject(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may not be trained on")],
    ids: FeedbackIds = None,
    source: FeedbackSource = "",
    by: Person = "",
    as_json: Json = False,
) -> None:
    """Keep items from training, on the record; they stay in the store."""
    from flows.feedback import decide, show_decision

    report = decide("reject", model, ids or [], by, reason, source=source)
    print_report(report, as_json, show_decision)


def _client(
    name: Annotated[str, typer.Argument(help="Who is to be known as a source of their own")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Know the key no more")] = False,
    as_json: Json = False,
) -> None:
    """Make the key by which endpoints of this workspace know a client; it is shown once."""
    from flows.feedback import client, show_client

    print_report(client(name, revoke=revoke), as_json, show_client)


SUBCOMMANDS = {"list": _list, "accept": _accept, "reject": _reject, "client": _client}
