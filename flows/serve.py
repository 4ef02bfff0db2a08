"""`ninefold serve` and `stop`: keep an endpoint up for a registered version, bring back one that died, end it."""

from typing import Literal, TypedDict

from rich.console import Console

from components import serving
from components.core import BadInput, GateRefused, Workspace
from components.core.moved_tracking import follow_move
from components.governance import Registered, Registry, candidate_in, registered, state, tampered
from flows.approve import warn

EXAMPLE = """curl -s {url}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{{"messages": [{{"role": "user", "content": "your question"}}]}}'"""


class Up(TypedDict):
    """An endpoint that answers; note: what to know about its approval."""

    model: str
    version: int
    url: str
    up: Literal[True]
    note: str
    tampered: list[str]


class Down(TypedDict):
    """Endpoints that were stopped; model: the one that was named, None for all."""

    model: str | None
    stopped: list[str]
    up: Literal[False]


def serve(model: str, port: int | None, workspace: Workspace | None = None) -> Up:
    """Start (or find) the endpoint of `model` (`name`, `name@alias` or `name@version`); returns how to reach it.

    Raises GateRefused when it is the champion and its approval no longer stands; one that has only expired does.
    """
    workspace = workspace or Workspace()
    follow_move(workspace)  # the endpoint traces to MLflow
    version = version_named(workspace, model)
    name = version.model
    note = _approved(workspace, version)
    candidate_in(workspace, version)  # refuses a bundle that is no longer what was registered
    endpoint = serving.start(
        workspace,
        name,
        version.bundle(workspace),
        port or version.port,
        version=str(version.version),
        trace=True,
        signer=version.signer,
    )
    changed = tampered(workspace, name)
    return {
        "model": name, "version": version.version, "url": endpoint.url, "up": True, "note": note, "tampered": changed
    }  # fmt: skip


def _approved(workspace: Workspace, version: Registered) -> str:
    """Nothing for a champion that is approved, else a sentence that says it is up for trying out."""
    held = Registry(workspace).holder(version.model, "champion")
    lacks = state(workspace, version).lacks
    if held == version.version and lacks:
        raise GateRefused(
            f"version {held} of '{version.model}' is champion and is not served: {lacks}. Approve it (`ninefold approve "
            f"{version.model} --version {held}`), or go back (`ninefold rollback {version.model}`)"
        )
    return f"version {version.version} is not approved ({lacks}): up for trying out" if lacks else ""


def version_named(workspace: Workspace, model: str) -> Registered:
    """The registered version that `name`, `name@alias` or `name@version` means; raises BadInput where there is none."""
    name, _, which = model.partition("@")
    if which not in ("", "candidate", "champion", "previous") and not which.isdigit():
        raise BadInput(f"{model}: '{which}' is no version; allowed after @: candidate, champion, previous, or a number")
    return registered(workspace, name, int(which) if which.isdigit() else which or None)  # type: ignore[arg-type]


def stop(model: str | None, workspace: Workspace | None = None) -> Down:
    """Stop the endpoint of `model`, or (None) every one of this workspace."""
    workspace = workspace or Workspace()
    names = [model] if model else [path.stem for path in workspace.serving.glob("*.json")]
    return {"model": model, "stopped": [name for name in names if serving.stop(workspace, name)], "up": False}


def restore(workspace: Workspace, model: str) -> str | None:
    """Bring back the endpoint of `model` when it is meant to be up and is not, as it was kept (its version, its port), and
    say so; else None."""
    endpoint = serving.kept(workspace, model)
    if endpoint is None or serving.status(workspace, model):
        return None
    try:
        address = serve(f"{model}@{endpoint.version}", endpoint.port, workspace)["url"]
    except BaseException:
        serving.keep(workspace, endpoint)  # it is still meant to be up: the next run tries again
        raise
    return f"The endpoint was meant to be up and was not: it answers again at {address}."


def show(report: Up | Down) -> None:
    """Print where an endpoint is, or that it is gone."""
    console = Console()
    if report["up"]:
        console.print(f"{report['model']} version {report['version']} answers at {report['url']}", highlight=False)
        if report["note"]:
            console.print(report["note"], highlight=False, markup=False, soft_wrap=True)
        warn(report["tampered"])
        console.print(EXAMPLE.format(url=report["url"]), highlight=False, markup=False, soft_wrap=True)
    else:
        line = f"stopped {', '.join(report['stopped'])}" if report["stopped"] else "nothing was up"
        console.print(line, highlight=False)
