"""Approval as a Prefect flow: it suspends with a form, frees its process, and decides when somebody has filled it in.

Before it suspends it only reads, and a resumed run enters from the top: what was registered is sealed, and the form carries
the digest of what was there to read, so that what changed meanwhile is not approved. It needs a deployment (`approval` in
`prefect.yaml`); whoever may resume runs on that server may sign, so that server needs its own log-in.
"""

from pathlib import Path
from typing import Any, Literal

from prefect import flow, suspend_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.input import RunInput
from pydantic import BaseModel, Field

from components import governance
from components.core import Workspace
from flows.approve import decide

WEEK = 7 * 24 * 3600


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
def approval_flow(parameters: Parameters) -> dict[str, Any]:
    """Ask for a decision on a version, then record it; the flow run fails when it may not be made."""
    workspace = Workspace(parameters.home)
    version = governance.registered(workspace, parameters.model, parameters.version)
    seen = governance.covered(workspace, version).digest
    question = _question(workspace, version)
    create_markdown_artifact(key=f"{parameters.model}-approval".replace("_", "-"), markdown=question)
    form = Decision.with_initial_data(description=question, seen=seen)
    said = suspend_flow_run(wait_for_input=form, timeout=parameters.wait_seconds, key="decision")
    report = decide(
        said.decision, parameters.model, parameters.version, said.identity, said.reason,
        role=said.role, seen=said.seen, workspace=workspace,
    )  # fmt: skip
    create_markdown_artifact(
        key=f"{parameters.model}-decision".replace("_", "-"),
        markdown=f"**{said.decision}** by {report['by']} ({report['role']}): {report['reason']}\n\n{report['lacks']}",
    )
    return report


def _question(workspace: Workspace, version: governance.Registered) -> str:
    card = governance.card_file(workspace, version)
    lines = [
        f"## {version.model} version {version.version}",
        f"- state: {governance.state(workspace, version).lacks or 'approved'}",
        f"- risk tier: {version.risk_tier}",
        f"- candidate `{version.candidate[:12]}`, evidence `{version.evidence[:12]}`",
        f"- card: `{card or version.card}`; `ninefold review` shows it beside the champion",
        *[f"- registry: {line}" for line in governance.tampered(workspace, version.model)],
    ]
    return "\n".join(lines)
