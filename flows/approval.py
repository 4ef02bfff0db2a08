"""Approval as a Prefect flow: it suspends with a form, frees its process, and decides when somebody has filled it in.

Before it suspends it only reads, and a resumed run enters from the top: what was registered is sealed, and a form is kept
under the digest of what was there to read, so that what changed meanwhile is not approved: it is asked anew. A form that may
not be followed (a name that the contract does not have) is answered with another one that says why. It needs a deployment
(`approval` in `prefect.yaml`); whoever may resume runs on that server may sign, so that server needs its own log-in.
"""

import base64
from pathlib import Path
from typing import Literal

from prefect import flow, suspend_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.input import RunInput
from pydantic import BaseModel, Field

from components import cards, governance
from components.core import BadInput, GateRefused, Workspace, short
from components.governance import approvals
from flows.approve import Recorded, decide
from flows.review_page import metrics_of, parts_of

WEEK = 7 * 24 * 3600
FORMS = 20
"""Forms that one run shows before it fails: each resume goes through all those before."""


class Parameters(BaseModel):
    """What is to be decided: the form that Prefect's pages show."""

    model: str = Field(description="Registered model")
    version: int = Field(description="Version")
    home: Path | None = Field(None, description="Workspace folder; NINEFOLD_HOME or .ninefold where empty")
    wait_seconds: int = Field(WEEK, ge=1, description="How long the form waits before the run fails")


class Decision(RunInput):
    """The form."""

    identity: str = Field(description="Who decides, as the contract names them")
    role: str = Field("", description="In which role; the one they have where empty")
    decision: Literal["approve", "reject"]
    reason: str = Field(description="Why; it goes on the record")


@flow(name="approval", flow_run_name="{parameters.model} v{parameters.version}", persist_result=False)
def approval_flow(parameters: Parameters) -> Recorded:
    """Ask for a decision on a version until one may be recorded, then record it."""
    workspace = Workspace(parameters.home)
    refused = ""
    for attempt in range(FORMS):
        form, seen = _asked(workspace, parameters, attempt, refused)
        try:
            report = decide(
                form.decision, parameters.model, parameters.version, form.identity, form.reason,
                role=form.role, seen=seen, workspace=workspace,
            )  # fmt: skip
            break
        except (BadInput, GateRefused) as error:
            if attempt == FORMS - 1:
                raise
            refused = str(error)
    create_markdown_artifact(
        key=f"{parameters.model}-decision".replace("_", "-"),
        markdown=f"**{form.decision}** by {report['by']} ({report['role']}): {report['reason']}\n\n{report['lacks']}",
    )
    return report


def _asked(workspace: Workspace, parameters: Parameters, attempt: int, refused: str) -> tuple[Decision, str]:
    """What somebody filled in, and the digest of what they were shown; the run is suspended until then. A resumed run finds
    the forms that were filled in before about the same thing.

    refused: why the form before this one was not followed
    """
    version = governance.registered(workspace, parameters.model, parameters.version)
    question = _question(workspace, version)
    if refused:
        question = f"**Not recorded:** {refused}\n\n{question}"
    create_markdown_artifact(key=f"{parameters.model}-approval".replace("_", "-"), markdown=question)
    seen = governance.covered(workspace, version).digest
    form = Decision.with_initial_data(description=question)
    key = f"decision-{attempt}-{short(seen)}"
    return suspend_flow_run(wait_for_input=form, timeout=parameters.wait_seconds, key=key), seen


def _decided(card: Path | None) -> list[str]:
    """The card's verdict, the bounds that the items do not show, its gates and its pictures, in Markdown."""
    if card is None:
        return []
    try:
        record = cards.read_record(card)
    except BadInput:
        return []  # `ninefold approve` and the page say what is wrong with the card
    rows = [f"| {one.name} | {one.asked} | {one.verdict} |".replace("_", "\\_") for one in cards.gates(record)]
    gates = ["| gate | asked | verdict |", "| --- | --- | --- |", *rows, ""]
    return [*(line for first in cards.first_lines(record) for line in (first, "")), *gates]


def _pictures(card: Path | None) -> list[str]:
    """The plots of the card's key figures as images that need no other request."""
    try:
        drawn = cards.pictures(cards.read_record(card)) if card else []
    except BadInput:
        return []
    coded = [(base64.b64encode(svg.encode()).decode(), caption) for svg, caption in drawn]
    return [f"![{caption}](data:image/svg+xml;base64,{svg})\n" for svg, caption in coded]


def _changes(workspace: Workspace, version: governance.Registered) -> list[str]:
    """What differs from the champion: figures on test and parts, in Markdown."""
    held = governance.Registry(workspace).holder(version.model, "champion")
    if held is None or held == version.version:
        return ["There is no other champion to compare with." if held is None else "This version is the champion.", ""]
    champion = governance.registered(workspace, version.model, held)
    ours, theirs = (governance.evidence_in(workspace.store, one.evidence) for one in (version, champion))
    same = bool(ours and theirs and ours.split_object == theirs.split_object)
    rows = metrics_of(ours, theirs) if same else []
    figures = [
        f"| {row.name} | {row.rival.value:.3f} | {row.value.value:.3f} | {row.change:+.3f} |" for row in rows if row.rival
    ]
    parts = [
        f"| {row['name']} | {row['before']} | {row['now']} | |"
        for row in parts_of(workspace, version, champion)
        if row["changed"]
    ]
    lines = [*figures, *parts]
    head = [
        f"**Since champion version {held}**{'' if same else ': measured on other rows, so figures are not compared'}",
        "",
    ]
    return (
        [*head, "| what | champion | this version | change |", "| --- | --- | --- | --- |", *lines, ""]
        if lines
        else [*head, ""]
    )


def _question(workspace: Workspace, version: governance.Registered) -> str:
    card = governance.card_file(workspace, version)
    standing = governance.state(workspace, version, approvals.now())
    lines = [
        f"## {version.model} version {version.version}",
        *_decided(card),
        *_changes(workspace, version),
        *_pictures(card),
        f"- state: {standing.lacks or f'approved until {standing.until}'}",
        f"- risk tier: {version.risk_tier}",
        f"- candidate `{short(version.candidate)}`, evidence `{short(version.evidence)}`",
        f"- card: `{card or version.card}`; `ninefold review` opens each digest and passage",
        *[f"- registry: {line}" for line in governance.tampered(workspace, version.model)],
    ]
    return "\n".join(lines)
