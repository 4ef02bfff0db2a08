"""`ninefold run`: recognise a finished run in about a second, else walk the lifecycle under a live view."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from components.core import BadInput, Workspace
from components.core.files import publish_sealed
from components.core.rates import rates
from components.core.use_case import STAGES
from components.measure import shown_p
from flows.environment import NO_TELEMETRY, json_text
from flows.foreseen import look_at_rows
from flows.own_model import Elsewhere
from flows.run import Run
from flows.view import ladder, left_out, noise_to, pretraining, table, together, trials, watching

if TYPE_CHECKING:
    from components.data import Seen
    from flows.summary import Figure, RegisteredModel, StageSummary, Summary

QUIET = {
    **NO_TELEMETRY,
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # a thread without the run's context: its log file has the line
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # that one accepts any caller: flows/servers.py starts a guarded one
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
}


def start(
    use_case: Path,
    profile: str,
    *,
    until: str | None = None,
    verify: bool = False,
    checkpoint: Elsewhere | None = None,
    as_json: bool = False,
) -> int:
    """Run a use case and return the exit code; prints the table (or the summary as JSON) at the end.

    checkpoint: a model trained elsewhere, which goes through evaluation, card and registration
    """
    if until is not None and until not in STAGES:
        raise BadInput(f"--until {until}: no such stage; allowed: {', '.join(STAGES)}")
    run = Run.read(use_case, profile, Workspace(), checkpoint)
    damaged = run.workspace.store.clear() if verify else []
    if damaged:
        print("damaged and set aside, to be made again:\n" + "\n".join(damaged), file=sys.stderr)
    summary = None if until or damaged else run.finished()
    if summary:
        summary = {**summary, "stages": [_reused(stage) for stage in summary["stages"]]}
        note = "This very run is finished: everything is reused."
        if summary["model"]:
            from flows.serve import restore

            note = restore(run.workspace, summary["model"]["name"]) or note
    else:
        run.check_settings()
        estimates = _estimates(run, look_at_rows(run))
        if run.note:
            print(run.note, file=sys.stderr)
        summary, note = _walk(run, until, checkpoint, as_json, estimates), ""
    if as_json:
        print(json_text(summary))
    else:
        show(summary, run, note)
    return int(summary["exit"])


@contextmanager
def quiet_libraries(name: str) -> Iterator[None]:
    """Send what libraries print while this block runs to the workspace's log `name`, and keep them from telemetry."""
    workspace = Workspace()
    for variable, value in {**QUIET, "PREFECT_HOME": str(workspace.root / "prefect")}.items():
        os.environ.setdefault(variable, value)
    with noise_to(workspace.logs / f"{name}.log"):
        yield


def show(summary: "Summary", run: Run, note: str = "") -> None:
    """Print what each stage decided, and where the card, MLflow and the endpoint are."""
    console = Console()
    console.print(table(summary, before_after(summary), console.width))
    if summary.get("ladder"):
        console.print(ladder(summary, console.width))
    if tried := summary.get("trials"):
        console.print(trials(tried, console.width))
    if worth := summary.get("left_out"):
        console.print(left_out(worth))
    if read := summary.get("pretraining"):
        console.print(pretraining(read))
    if joined := summary.get("together"):
        console.print(together(joined))
    test = summary["test"]
    if test and test["gain"]:
        primary, gain = test["primary"], test["gain"]
        line = f"test: {primary} {_interval(test['metrics'][primary])}, gain {_interval(gain)} over {gain['over']}"
        line += f", {shown_p(gain.get('p_value'))}"
        console.print(line, highlight=False)
    model = summary["model"]
    lines = {
        "model": _registered(model) if model else "nothing registered",
        "card": summary["card"] or "none",
        "summary": str(run.summary_file(summary["until"])),
        "pages": "ninefold ui (MLflow on port 5000, Prefect on 5001)",
        "endpoint": f"ninefold serve {model['name']}" if model else "",
        "image": _image(summary) if model else "",
        "end": note or summary["end"],
    }
    for name, line in lines.items():
        if line:
            console.print(f"  {name:<9} {line}", highlight=False, soft_wrap=True)


def _image(summary: "Summary") -> str:
    built, model = summary.get("image"), summary["model"]
    assert model, "only a release has an image"
    return built["run"] if built else f"none; `ninefold image {model['name']}` builds it where a Docker engine answers"


def _registered(model: "RegisteredModel") -> str:
    name, version, alias = model["name"], model["version"], model["alias"]
    trial = f"models:/{name}/{version} (a trial: `candidate` stays with the version released in earnest)"
    return f"models:/{name}@{alias} (version {version})" if alias else trial


def before_after(summary: "Summary") -> dict[str, str]:
    """Stage → its main figure before → after, from the stage's metrics `before` and `after`."""
    moved = {}
    for stage in summary["stages"]:
        metrics = stage["metrics"]
        if "before" in metrics and "after" in metrics:
            moved[stage["name"]] = f"{metrics['before']:.3f} → {metrics['after']:.3f}"
    return moved


def _estimates(run: Run, seen: "list[Seen]") -> dict[str, float]:
    """Stage → expected seconds: what earlier runs here took, else the estimate, where this machine's rates were measured."""
    if (measured := rates(run.workspace.rates)) is None:
        return run.profile.seconds | run.past_seconds()
    from flows.estimate import case_of, seconds_of_stages

    return seconds_of_stages(run, case_of(run, seen, measured)) | run.past_seconds()


def _walk(
    run: Run, until: str | None, checkpoint: Elsewhere | None, as_json: bool, estimates: dict[str, float]
) -> "Summary":
    for name, value in {**QUIET, "PREFECT_HOME": str(run.workspace.root / "prefect")}.items():
        os.environ.setdefault(name, value)
    if (run.workspace.root / "prefect/prefect.db").exists():
        from flows.servers import keep_prefect

        keep_prefect(run.workspace)  # what it has to say goes to the terminal, not to the log
    title = f"{run.use_case.name} · {run.profile.name}"
    with watching(title, run.workspace.logs / f"{run.id}.log", estimates, silent=as_json) as view:
        from flows.lifecycle import Parameters, lifecycle_flow
        from flows.servers import prefect_for_run

        path = run.path.absolute()
        parameters = Parameters(
            use_case=path,
            profile=run.profile_path,
            checkpoint=checkpoint.source if checkpoint else None,
            licence=checkpoint.licence if checkpoint else "",
            made_from=checkpoint.made_from if checkpoint else None,
            template=checkpoint.template if checkpoint else None,
            until=until,
            home=run.workspace.root,
        )
        with prefect_for_run(run.workspace):
            summary = lifecycle_flow(parameters)
        summary["peak_memory_gb"] = round(view.peak_gb, 2)
        publish_sealed(run.summary_file(summary["until"]), summary)
    return summary


def _reused(stage: "StageSummary") -> "StageSummary":
    return {**stage, "status": "reused", "seconds": 0.0} if stage["status"] == "ran" else stage


def _interval(figure: "Figure") -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
