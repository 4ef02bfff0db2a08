"""The `ninefold` command. Thin: each command reads its arguments, calls one function and prints what came back.

Exit codes: 0 done, 1 a gate said no, 2 bad input, 3 the machine failed. Imports stay inside the commands, so that `--help`
answers within half a second.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="One YAML file states a business use case; nine stages make it a measured, governed, deployed application.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
keys = typer.Typer(help="The operator's signing key.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="keys")
card = typer.Typer(help="Verify, compare and render model cards.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(card, name="card")
feedback = typer.Typer(help="What waits for a person of what callers said.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(feedback, name="feedback")
UseCasePath = Annotated[Path, typer.Argument(help="The use case's YAML file", metavar="USE_CASE")]
ProfileName = Annotated[str, typer.Option("--profile", help="smoke, cpu, gpu, or the path of a profile's YAML")]
ModelName = Annotated[str, typer.Argument(help="Registered model's name")]
Person = Annotated[str | None, typer.Option("--by", help="Who decides; $USER where not given")]
Role = Annotated[str, typer.Option("--role", help="In which role of the contract; the one they have where not given")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text")]
INTERRUPTED = 130
"""The code that Typer ends with on Ctrl-C: the KeyboardInterrupt itself does not pass it."""


@app.command()
def run(
    use_case: UseCasePath,
    profile: ProfileName = "cpu",
    until: Annotated[str | None, typer.Option(help="Stop after this stage")] = None,
    verify: Annotated[bool, typer.Option(help="Re-hash every stored object first")] = False,
    as_json: Json = False,
) -> None:
    """Take a use case through all nine stages; what is sealed already is reused."""
    from flows.start import start

    raise typer.Exit(start(use_case, profile, until=until, verify=verify, as_json=as_json))


@app.command()
def plan(use_case: UseCasePath, profile: ProfileName = "cpu", as_json: Json = False) -> None:
    """Say what would run, what is sealed, and how long it takes. Changes nothing."""
    from flows.plan import plan as make
    from flows.plan import show

    _print(make(use_case, profile), as_json, show)


@app.command()
def doctor(
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure again what the processor computes in each dtype: later runs follow")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check versions, memory, disk, ports and engines of this machine."""
    from flows.doctor import examine, show

    report = examine(measure)
    _print(report, as_json, show)
    raise typer.Exit(0 if report["ok"] else 3)


@app.command()
def fetch(use_case: UseCasePath, profile: ProfileName = "cpu", as_json: Json = False) -> None:
    """Fetch the assets and benchmarks that a use case needs, hash-checked, and say where they lie."""
    from flows.fetch import fetch_assets, show

    _print(fetch_assets(use_case, profile), as_json, show)


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="Registered model, `name` or `name@alias`")],
    port: Annotated[int | None, typer.Option(help="Port; the contract's where not given")] = None,
    as_json: Json = False,
) -> None:
    """Keep an OpenAI-compatible endpoint up for a registered model."""
    from flows.serve import serve as start_endpoint
    from flows.serve import show

    _print(start_endpoint(model, port), as_json, show)


@app.command()
def stop(
    model: Annotated[str | None, typer.Argument(help="Registered model; every endpoint where not given")] = None,
    as_json: Json = False,
) -> None:
    """Stop a kept endpoint, or all of this workspace."""
    from flows.serve import show
    from flows.serve import stop as stop_endpoint

    _print(stop_endpoint(model), as_json, show)


@app.command()
def approve(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may become champion")],
    version: Annotated[int | None, typer.Option(help="Version; the newest candidate where not given")] = None,
    by: Person = None,
    role: Role = "",
    as_json: Json = False,
) -> None:
    """Approve a version, on the record; it becomes `champion` once nobody else is needed."""
    from flows.approve import decide, show

    _print(decide("approve", model, version, by or os.environ.get("USER", ""), reason, role=role), as_json, show)


@app.command()
def reject(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may not be champion")],
    version: Annotated[int | None, typer.Option(help="Version; the newest candidate where not given")] = None,
    by: Person = None,
    role: Role = "",
    as_json: Json = False,
) -> None:
    """Refuse a version, on the record; what approved it before ends."""
    from flows.approve import decide, show

    _print(decide("reject", model, version, by or os.environ.get("USER", ""), reason, role=role), as_json, show)


@app.command()
def rollback(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why the champion goes")],
    by: Person = None,
    role: Role = "",
    as_json: Json = False,
) -> None:
    """Make `previous` champion again, on the record, if its approval stands."""
    from flows.approve import rollback as go_back
    from flows.approve import show

    _print(go_back(model, by or os.environ.get("USER", ""), reason, role), as_json, show)


@app.command()
def approvals(
    model: Annotated[str | None, typer.Argument(help="Registered model's name; all where not given")] = None,
    verify: Annotated[bool, typer.Option(help="Compare with MLflow too; exit 1 when anything is broken")] = False,
    wrong_clock: Annotated[
        str, typer.Option("--correct-clock", metavar="WHY", help="Say on the record that the clock had run ahead")
    ] = "",
    by: Person = None,
    as_json: Json = False,
) -> None:
    """Print the record of approvals, and what is broken in it."""
    from flows.approve import correct_clock, history, show_history

    report = correct_clock(by or os.environ.get("USER", ""), wrong_clock) if wrong_clock else history(model, verify)
    _print(report, as_json, show_history)
    raise typer.Exit(0 if report["ok"] else 1)


@app.command()
def review(port: Annotated[int, typer.Option(help="Port on loopback")] = 8100) -> None:
    """Serve the review page (card, diff with the champion, evidence, approve or reject) until Ctrl-C."""
    from flows.review import review as serve_pages

    serve_pages(port)


@app.command()
def monitor(
    model: Annotated[str, typer.Argument(help="Registered model's name")],
    version: Annotated[int | None, typer.Option(help="Version; the champion, else the candidate where not given")] = None,
    as_json: Json = False,
) -> None:
    """Compare logged traffic with the version's reference window; exit 1 on drift."""
    from flows.start import quiet_libraries

    with quiet_libraries("monitor"):
        from flows.monitor import Parameters, show
        from flows.monitor import monitor as compare

        report = compare(Parameters(model=model, version=version))
    _print(report, as_json, show)
    raise typer.Exit(1 if report["drift"] else 0)


@app.command()
def register(
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


@app.command()
def lineage(
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
        _print(flow.trace(row), as_json, flow.show_row)
        return
    assert model is not None, "checked above"
    graph = flow.lineage(model)
    if text := flow.written(graph, model, html, mermaid=mermaid, as_json=as_json):
        typer.echo(text)
    else:
        flow.show(graph)


@app.command()
def why(
    answer: Annotated[str, typer.Argument(help="Id of a served answer, or `last`")],
    as_json: Json = False,
) -> None:
    """Walk from a served answer to its passages, prompt, weights, data, figures and approver."""
    from flows.why import show
    from flows.why import why as walk

    _print(walk(answer), as_json, show)


@app.command()
def forget(
    subject: Annotated[str, typer.Argument(help="A text (an address, a name, a phrase), or the id of a row or an answer")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete for good")] = False,
    as_json: Json = False,
) -> None:
    """Delete every trace of a subject, keep it out of later runs, and search again; exit 1 where something is left."""
    from flows.forget import forget as delete
    from flows.forget import show
    from flows.start import quiet_libraries

    with quiet_libraries("forget"):
        report = delete(subject, dry_run=dry_run, yes=yes)
    _print(report, as_json, show)
    raise typer.Exit(1 if report["left"] else 0)


@keys.command("init")
def keys_init(as_json: Json = False) -> None:
    """Make the pair that signs approvals and served folders, in the folder NINEFOLD_KEYS; one that is there stays."""
    from flows.keys import init, show

    _print(init(), as_json, show)


@keys.command("rotate")
def keys_rotate(as_json: Json = False) -> None:
    """Sign with a new pair from now on; what the old one signed still holds."""
    from flows.keys import rotate, show

    _print(rotate(), as_json, show)


@keys.command("revoke")
def keys_revoke(
    key: Annotated[str, typer.Argument(help="Name of a key that was lost or stolen; today's is replaced first")],
    as_json: Json = False,
) -> None:
    """Believe no signature of a key that does not say when it was made: folders that it signed are not served."""
    from flows.keys import revoke, show

    _print(revoke(key), as_json, show)


Card = Annotated[str, typer.Argument(help="A card's path, or a registered model: `name` or `name@alias`")]


@card.command("verify")
def card_verify(
    card: Card,
    offline: Annotated[bool, typer.Option(help="Pass when only what is not in this workspace is unverified")] = False,
    as_json: Json = False,
) -> None:
    """Compute every figure of a card again from its evidence; exit 1 when one does not hold, or cannot be verified."""
    from flows.card import show_verified, verify

    report = verify(card, offline)
    _print(report, as_json, show_verified)
    raise typer.Exit(0 if report["ok"] else 1)


@card.command("lint")
def card_lint(card: Card, as_json: Json = False) -> None:
    """Look for inconsistencies and unfilled text in a card; exit 1 when there are any."""
    from flows.card import lint, show_linted

    report = lint(card)
    _print(report, as_json, show_linted)
    raise typer.Exit(0 if report["ok"] else 1)


@card.command("diff")
def card_diff(before: Card, after: Card, as_json: Json = False) -> None:
    """Say what changed between two cards."""
    from flows.card import diff, show_diff

    _print(diff(before, after), as_json, show_diff)


@card.command("print")
def card_print(card: Card, as_json: Json = False) -> None:
    """Write a card as PDF beside it."""
    from flows.card import print_pdf, show_rendered

    _print(print_pdf(card), as_json, show_rendered)


@card.command("render")
def card_render(
    card: Card,
    template: Annotated[Path | None, typer.Option(help="Print it by a template of your own instead")] = None,
    as_json: Json = False,
) -> None:
    """Write a card anew from its record."""
    from flows.card import render, show_rendered

    _print(render(card, template), as_json, show_rendered)


FeedbackIds = Annotated[list[str] | None, typer.Argument(help="Ids of items, as `list` shows them", metavar="[ID]...")]
FeedbackSource = Annotated[str, typer.Option("--source", help="All of this source that nobody has decided on")]


@feedback.command("list")
def feedback_list(
    model: ModelName,
    every: Annotated[bool, typer.Option("--all", help="All feedback, not only what waits for a person")] = False,
    as_json: Json = False,
) -> None:
    """List feedback that is in quarantine, beyond what one answer or one source may give."""
    from flows.feedback import listed, show

    _print(listed(model, every=every), as_json, show)


@feedback.command("accept")
def feedback_accept(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may be trained on")],
    ids: FeedbackIds = None,
    source: FeedbackSource = "",
    by: Person = None,
    as_json: Json = False,
) -> None:
    """Release items from quarantine, on the record: no cap holds for them."""
    from flows.feedback import decide, show_decision

    report = decide("accept", model, ids or [], by or os.environ.get("USER", ""), reason, source=source)
    _print(report, as_json, show_decision)


@feedback.command("reject")
def feedback_reject(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why it may not be trained on")],
    ids: FeedbackIds = None,
    source: FeedbackSource = "",
    by: Person = None,
    as_json: Json = False,
) -> None:
    """Keep items from training, on the record; they stay in the store."""
    from flows.feedback import decide, show_decision

    report = decide("reject", model, ids or [], by or os.environ.get("USER", ""), reason, source=source)
    _print(report, as_json, show_decision)


@feedback.command("client")
def feedback_client(
    name: Annotated[str, typer.Argument(help="Who is to be known as a source of their own")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Know the key no more")] = False,
    as_json: Json = False,
) -> None:
    """Make the key by which endpoints of this workspace know a client; it is shown once."""
    from flows.feedback import client, show_client

    _print(client(name, revoke=revoke), as_json, show_client)


Ports = Annotated[int, typer.Option("--port", help="First of two ports: MLflow, then Prefect")]


@app.command()
def ui(port: Ports = 5000) -> None:
    """Open MLflow and Prefect on this workspace, until Ctrl-C."""
    from flows.ui import ui as serve_pages

    serve_pages(port)


@app.command()
def env(port: Ports = 5000, as_json: Json = False) -> None:
    """Print what `prefect`, `mlflow` and notebooks need for `ninefold ui`: eval "$(ninefold env)" also logs them in."""
    from flows.ui import env as client_environment
    from flows.ui import show_env

    _print(client_environment(port), as_json, show_env)


def _print(report: dict[str, Any], as_json: bool, show: Any) -> None:
    if as_json:
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        show(report)


def main() -> None:
    """Entry point: an error becomes one message and an exit code; the traceback of one that we did not foresee is logged."""
    try:
        app()
    except (KeyboardInterrupt, SystemExit) as end:
        if getattr(end, "code", INTERRUPTED) != INTERRUPTED:
            raise
        typer.echo("ninefold: interrupted; sealed steps are kept, run again to go on", err=True)
        sys.exit(3)
    except Exception as error:  # noqa: BLE001 the outermost place: nothing may reach the user as a traceback
        if (code := getattr(error, "exit_code", None)) is not None:
            typer.echo(f"ninefold: {error}", err=True)
            sys.exit(code)
        from flows.crash import explain

        message, code = explain(error)
        typer.echo(f"ninefold: {message}", err=True)
        sys.exit(code)


if __name__ == "__main__":
    main()
