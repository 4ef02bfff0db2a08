"""Approval as a Prefect flow: it suspends with a form, frees its process, and decides when somebody has filled it in.

Before it suspends it only reads, and a resumed run enters from the top: what was registered is sealed, and the form carries
the digest of what was there to read, so that what changed meanwhile is not approved. A form that may not be followed (a name
that the contract does not have) is answered with another one that says why. It needs a deployment (`approval` in
`prefect.yaml`); whoever may resume runs on that server may sign, so that server needs its own log-in.
"""

from pathlib import Path
from typing import Literal

from prefect import flow, suspend_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.input import RunInput
from pydantic import BaseModel, Field

from components import cards, governance
from components.core import BadInput, GateRefused, Workspace
from components.governance import approvals
from flows.approve import Recorded, decide

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
    seen: str = Field(description="Digest of what is decided on; leave it as it is")


@flow(name="approval", flow_run_name="{parameters.model} v{parameters.version}", persist_result=False)
def approval_flow(parameters: Parameters) -> Recorded:
    """Ask for a decision on a version until one may be recorded, then record it."""
    workspace = Workspace(parameters.home)
    refused = ""
    for attempt in range(FORMS):
        form = _asked(workspace, parameters, attempt, refused)
        try:
            report = decide(
                form.decision, parameters.model, parameters.version, form.identity, form.reason,
                role=form.role, seen=form.seen, workspace=workspace,
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


def _asked(workspace: Workspace, parameters: Parameters, attempt: int, refused: str) -> Decision:
    """What somebody filled in; the run is suspended until then. A resumed run finds the forms that were filled in before.

    refused: why the form before this one was not followed
    """
    version = governance.registered(workspace, parameters.model, parameters.version)
    question = _question(workspace, version)
    if refused:
        question = f"**Not recorded:** {refused}\n\n{question}"
    create_markdown_artifact(key=f"{parameters.model}-approval".replace("_", "-"), markdown=question)
    form = Decision.with_initial_data(description=question, seen=governance.covered(workspace, version).digest)
    return suspend_flow_run(wait_for_input=form, timeout=parameters.wait_seconds, key=f"decision-{attempt}")


def _decided(card: Path | None) -> list[str]:
    """The card's first lines: its verdict, and each bound of the contract that the items do not show."""
    if card is None:
        return []
    try:
        record = cards.read_record(card)
    except BadInput:
        return []  # `ninefold approve` and the page say what is wrong with the card
    return [*(line for first in cards.first_lines(record) for line in (first, "")), ""]


def _question(workspace: Workspace, version: governance.Registered) -> str:
    card = governance.card_file(workspace, version)
    standing = governance.state(workspace, version, approvals.now())
    lines = [
        f"## {version.model} version {version.version}",
        *_decided(card),
        f"- state: {standing.lacks or f'approved until {standing.until}'}",
        f"- risk tier: {version.risk_tier}",
        f"- candidate `{version.candidate[:12]}`, evidence `{version.evidence[:12]}`",
        f"- card: `{card or version.card}`; `ninefold review` shows it beside the champion",
        *[f"- registry: {line}" for line in governance.tampered(workspace, version.model)],
    ]
    return "\n".join(lines)
