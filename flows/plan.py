"""`ninefold plan`: walk the lifecycle page without running anything; say what is sealed, what would run, how long."""

import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NotRequired, TypedDict

from rich.console import Console
from rich.table import Table

from components.core import STAGES, GateRefused, Workspace
from components.core.rates import measured_once
from components.core.together import STAGE as TOGETHER
from flows.estimate import SPREAD, case_of, minutes, seconds_of_rungs, seconds_of_stages, seconds_together, without_ladder
from flows.foreseen import look_at_rows
from flows.run import Run


class Expected(TypedDict):
    """What a run would do at a stage."""

    stage: str
    status: str
    seconds: float


class Beside(TypedDict):
    """Use cases that this one is tuned together with, and about how many of tuning's seconds are for that."""

    use_cases: list[str]
    seconds: float


class Plan(TypedDict):
    """What a run would do."""

    run_id: str
    stages: list[Expected]
    seconds: float
    seconds_from: float
    """The least: half of what was estimated, where the plain baseline is enough and no rung above it is climbed."""
    seconds_to: float
    """The most: twice of what was estimated."""
    estimated_from: str
    end: str
    dtype: str
    ladder: dict[str, float]
    """Rung → about how many seconds its stage takes for it."""
    together: NotRequired[Beside]
    """What tuning spends on other use cases' rows, where it names some."""


def plan(use_case: Path, profile: str) -> Plan:
    """Stage by stage: `reused`, `skipped`, `will run` (its inputs are known) or `after that`; with estimated seconds. In a
    new workspace the machine's rates are measured: the keys of steps, which say what is sealed, need the dtype.

    Raises BadInput for settings and first rows that a run would refuse.
    """
    run = Run.read(use_case, profile, Workspace())
    run.check_settings()
    case = case_of(run, look_at_rows(run), measured_once(run.workspace.rates))
    os.environ.setdefault("PREFECT_HOME", str(run.workspace.root / "prefect"))
    # where a flow is defined in a terminal, Prefect names this device in its home, whatever DO_NOT_TRACK says
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        from flows.lifecycle import lifecycle
        from flows.steps import NotSealed, Planner

    do = Planner(run)
    next_stage, end = None, "everything is sealed: a run would only show it"
    try:
        lifecycle(do)
    except NotSealed as stop:
        next_stage, end = stop.stage, f"a run starts at {stop.stage} ({stop.why})"
    except GateRefused as refused:
        end = str(refused)
    past, every, plain = run.past_seconds(), seconds_of_stages(run, case), without_ladder(run, case)
    source = "an estimate from the case's rows and this machine's measured rates"
    source = f"earlier runs here; for other stages {source}" if past else source
    status = {done.stage: done.status if done.status == "skipped" else "reused" for done in do.done}
    rows: list[Expected] = []
    total, least, most = 0.0, 0.0, 0.0
    for stage in ("data", *STAGES):
        starts = stage == next_stage or (next_stage == TOGETHER and stage == "tuning")
        state = "will run" if starts else status.get(stage, "after that" if next_stage else "not reached")
        seconds = 0.0
        if state in ("will run", "after that"):
            seconds = past.get(stage, every[stage])
            least += past.get(stage, plain[stage] / SPREAD)
            most += past.get(stage, every[stage] * SPREAD)
            total += seconds
        rows.append({"stage": stage, "status": state, "seconds": seconds})
    end = f"{run.note}; {end}" if run.note else end
    report: Plan = {
        "run_id": run.id,
        "stages": rows,
        "seconds": round(total, 1),
        "seconds_from": round(least, 1),
        "seconds_to": round(most, 1),
        "estimated_from": source,
        "end": end,
        "dtype": run.dtype,
        "ladder": seconds_of_rungs(run, case),
    }
    if run.together:
        named = [other.use_case.name for other in run.together]
        report["together"] = {"use_cases": named, "seconds": seconds_together(run, case)}
    return report


def show(report: Plan) -> None:
    """Print a plan."""
    rows = Table(title=f"plan of {report['run_id']}", title_justify="left", header_style="bold")
    rows.add_column("stage")
    rows.add_column("status")
    rows.add_column("about", justify="right")
    for row in report["stages"]:
        rows.add_row(row["stage"], row["status"], f"{row['seconds']:.0f} s" if row["seconds"] else "")
    console = Console()
    console.print(rows)
    console.print(f"  dtype {report['dtype']}", highlight=False)
    rungs = (f"{rung} {seconds:.0f} s" for rung, seconds in report["ladder"].items())
    console.print(f"  ladder, until a rung meets the contract: {' → '.join(rungs)}", highlight=False)
    if beside := report.get("together"):
        named = ", ".join(beside["use_cases"])
        console.print(f"  of tuning {beside['seconds']:.0f} s to train once more, together with {named}", highlight=False)
    console.print(f"  {report['end']}", highlight=False)
    if report["seconds"]:
        about, least, most = (minutes(report[key]) for key in ("seconds", "seconds_from", "seconds_to"))
        console.print(
            f"  about {about} min if every stage is climbed ({least} to {most} min), by {report['estimated_from']}",
            highlight=False,
        )
