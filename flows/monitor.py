"""`ninefold monitor`, and the flow of the nightly deployment: logged traffic against the reference window."""

from pathlib import Path
from typing import TypedDict, cast

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table

from components import monitoring, serving
from components.core import Workspace
from components.core.tracking import Tracking
from components.governance import candidate_in, registered, tampered
from flows.approve import warn


class Parameters(BaseModel):
    """What is monitored: the form that Prefect's pages show."""

    model: str = Field(description="Registered model")
    version: int | None = Field(None, description="Version; the champion's, else the candidate's where empty")
    home: Path | None = Field(None, description="Workspace folder; NINEFOLD_HOME or .ninefold where empty")


class Column(TypedDict):
    """A column of the traffic in the two windows: its means, and whether it drifted."""

    column: str
    reference: float
    current: float
    p: float
    threshold: float
    drifted: bool


class Drifted(TypedDict):
    """A dump of Drift."""

    drift: bool | None
    reason: str
    columns: list[Column]
    not_compared: list[str]
    reference_rows: int
    current_rows: int
    report: str | None


class Monitored(Drifted):
    """What monitoring a version came to."""

    model: str
    version: int
    tampered: list[str]


def monitor(parameters: Parameters) -> Monitored:
    """Compare and record in MLflow. `drift` is true, false, or null where there is too little traffic to say."""
    workspace = Workspace(parameters.home)
    version = registered(workspace, parameters.model, parameters.version)
    bundle = version.bundle(workspace)
    number = str(version.version)
    drift = monitoring.monitor(
        monitoring.Config(),
        reference=serving.reference_of(bundle),
        current=serving.read_traffic(workspace, parameters.model, number),
        folder=workspace.root / "monitoring" / f"{parameters.model}-v{number}",
        abstain=candidate_in(workspace, version).abstain,
        tracking=Tracking(workspace, version.use_case),
        name=f"monitor-v{number}",
    )
    changed = tampered(workspace, parameters.model)
    dump = cast(Drifted, drift.model_dump(mode="json"))
    return {"model": parameters.model, "version": version.version, "tampered": changed, **dump}


@flow(name="monitor", flow_run_name="{parameters.model}", persist_result=False)
def monitor_flow(parameters: Parameters) -> Monitored:
    """Monitor as a Prefect flow, with an artifact; the flow run fails on drift, so that an automation can start on it."""
    report = monitor(parameters)
    rows = "".join(f"| {row['column']} | {row['p']:.4f} | {row['drifted']} |\n" for row in report["columns"])
    notices = "".join(f"registry: {line}\n\n" for line in report["tampered"])
    create_markdown_artifact(
        key=f"{parameters.model}-drift".replace("_", "-"),
        markdown=f"## {report['reason']}\n\n{notices}| column | p | drifted |\n| --- | --- | --- |\n{rows}",
    )
    if report["drift"]:
        raise RuntimeError(f"drift: {report['reason']}")
    return report


def show(report: Monitored) -> None:
    """Print what drifted."""
    console = Console()
    rows = Table(title=f"{report['model']} version {report['version']}", title_justify="left", header_style="bold")
    for name in ("column", "reference", "current", "p", "threshold", "drifted"):
        rows.add_column(name, justify="left" if name == "column" else "right")
    for row in report["columns"]:
        figures = (row["reference"], row["current"], row["p"], row["threshold"])
        rows.add_row(row["column"], *(f"{figure:.4g}" for figure in figures), "yes" if row["drifted"] else "no")
    if report["columns"]:
        console.print(rows)
    warn(report["tampered"])
    console.print(f"  {report['reason']}", highlight=False)
    if report["report"]:
        console.print(f"  {report['report']}", highlight=False, soft_wrap=True)
