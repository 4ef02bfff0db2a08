"""`ninefold plan`: walk the lifecycle page without running anything; say what is sealed, what would run, how long."""

from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table

from components.core import STAGES, Data, GateRefused, Profile, Workspace
from flows.foreseen import look_at_rows
from flows.run import Run


class Expected(TypedDict):
    """What a run would do at a stage; seconds: None where they are not known."""

    stage: str
    status: str
    seconds: float | None


class Plan(TypedDict):
    """What a run would do."""

    run_id: str
    stages: list[Expected]
    seconds: float
    estimated_from: str
    end: str
    dtype: str


def plan(use_case: Path, profile: str) -> Plan:
    """Stage by stage: `reused`, `skipped`, `will run` (its inputs are known) or `after that`; with estimated seconds. In a
    new workspace the machine's rates are measured: the keys of steps, which say what is sealed, need the dtype."""
    from flows.lifecycle import lifecycle
    from flows.steps import NotSealed, Planner

    run = Run.read(use_case, profile, Workspace())
    run.check_settings()
    look_at_rows(run)
    do = Planner(run)
    next_stage, end = None, "everything is sealed: a run would only show it"
    try:
        lifecycle(do)
    except NotSealed as stop:
        next_stage, end = stop.stage, f"a run starts at {stop.stage} ({stop.why})"
    except GateRefused as refused:
        end = str(refused)
    past = run.past_seconds()
    known = f"profile '{run.profile.name}', measured on 2 cores"
    if run.use_case.data.has_made_rows:
        known += ", tuning counted twice: without and with made rows"
    source = f"earlier runs here, or {known}" if past else known
    status = {done.stage: done.status if done.status == "skipped" else "reused" for done in do.done}
    rows: list[Expected] = []
    for stage in ("data", *STAGES):
        state = "will run" if stage == next_stage else status.get(stage, "after that" if next_stage else "not reached")
        known_seconds = past.get(stage, estimate(stage, run.profile, run.use_case.data))
        seconds = 0.0 if state in ("reused", "skipped", "not reached") else known_seconds
        rows.append({"stage": stage, "status": state, "seconds": seconds})
    total = sum(row["seconds"] or 0 for row in rows)
    end = f"{run.note}; {end}" if run.note else end
    return {
        "run_id": run.id,
        "stages": rows,
        "seconds": round(total, 1),
        "estimated_from": source,
        "end": end,
        "dtype": run.dtype,
    }


def estimate(stage: str, profile: Profile, data: Data) -> float | None:
    """Seconds of a stage as the profile measured them; tuning twice where it trains without and with made rows."""
    seconds = profile.seconds.get(stage)
    return seconds * 2 if seconds and stage == "tuning" and data.has_made_rows else seconds


def show(report: Plan) -> None:
    """Print a plan."""
    rows = Table(title=f"plan of {report['run_id']}", title_justify="left", header_style="bold")
    rows.add_column("stage")
    rows.add_column("status")
    rows.add_column("about", justify="right")
    for row in report["stages"]:
        seconds = row["seconds"]
        rows.add_row(row["stage"], row["status"], "not known" if seconds is None else f"{seconds:.0f} s" if seconds else "")
    console = Console()
    console.print(rows)
    console.print(f"  dtype {report['dtype']}", highlight=False)
    console.print(
        f"  {report['end']}; about {report['seconds'] / 60:.0f} min by {report['estimated_from']}", highlight=False
    )
