"""`ninefold doctor`: whether this machine can do the work, each finding with what to do about it."""

import importlib
import os
import shutil
import socket
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil
from rich.console import Console

from components.core import ASSETS, Workspace
from components.core.code import ROOT
from components.core.keys import key_id
from components.core.rates import measured_again, processor, rates
from components.governance import Approvals, Registry, registered, state, tampered

NEEDED = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "prefect",
    "mlflow",
    "great-expectations",
    "evidently",
    "docker",
    "lancedb",
    "lm-eval",
)
PORTS = {8000: "deployment.port of the shipped use cases", 5000: "ninefold ui (MLflow)", 5001: "ninefold ui (Prefect)"}


def examine(measure: bool = False) -> dict[str, Any]:
    """Findings: {name, ok, found, do}; `ok` overall is False when something that is required is wrong.

    measure: measure first what this processor computes, whatever was measured before
    """
    if measure:
        measured_again(Workspace().rates)
    findings = [*_versions(), _memory(), _disk(), _assets(), *_ports(), _docker(), _gpu(), _dtype(), _key(), *_registry()]
    return {"ok": all(item["ok"] for item in findings if item["required"]), "findings": findings}


def show(report: dict[str, Any]) -> None:
    """Print the findings."""
    console = Console()
    for item in report["findings"]:
        mark = "[green]✓[/]" if item["ok"] else "[red]✗[/]" if item["required"] else "[yellow]–[/]"
        advice = f"  [dim]{item['do']}[/]" if item["do"] and not item["ok"] else ""
        console.print(f"{mark} {item['name']:<22} {item['found']}{advice}", highlight=False)


def _finding(name: str, ok: bool, found: str, do: str = "", required: bool = True) -> dict[str, Any]:
    return {"name": name, "ok": ok, "found": found, "do": do, "required": required}


def _versions() -> list[dict[str, Any]]:
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line)
    found = []
    for package in NEEDED:
        try:
            have = version(package)
        except PackageNotFoundError:
            found.append(_finding(package, False, "not installed", "make install"))
            continue
        want = pinned.get(package, have)
        same = have.split("+")[0] == want.split("+")[0]
        found.append(_finding(package, same, have if same else f"{have}, pinned {want}", "make install"))
    return found


def _memory() -> dict[str, Any]:
    free = psutil.virtual_memory().available / 1e9
    return _finding("memory", free >= 8, f"{free:.1f} GB available", "the cpu profile wants 8 GB; try --profile smoke")


def _disk() -> dict[str, Any]:
    free = shutil.disk_usage(Workspace().root).free / 1e9
    return _finding(
        "disk", free >= 5, f"{free:.1f} GB free", "a full run writes about 3 GB; set NINEFOLD_HOME to a larger disk"
    )


def _assets() -> dict[str, Any]:
    folder = Workspace().assets
    here = [name for name, asset in ASSETS.items() if (folder / f"{name}-{asset.version}").is_dir()]
    found = f"{len(here)} of {len(ASSETS)} fetched"
    return _finding(
        "assets", len(here) == len(ASSETS), found, "fetched by the first run, or by ninefold fetch", required=False
    )


def _ports() -> list[dict[str, Any]]:
    found = []
    for port, use in PORTS.items():
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        found.append(
            _finding(
                f"port {port}",
                not taken,
                f"{'taken' if taken else 'free'} ({use})",
                "stop what listens there, or choose another",
                False,
            )
        )
    return found


def _docker() -> dict[str, Any]:
    docker = importlib.import_module("docker")
    try:
        client = docker.from_env(timeout=5)
        found = f"engine {client.version()['Version']}"
    except docker.errors.DockerException:
        where = os.environ.get("DOCKER_HOST", "the default socket")
        return _finding(
            "docker", False, f"no engine at {where}", "start one and set DOCKER_HOST; without it no image is built", False
        )
    return _finding("docker", True, found, required=False)


def _gpu() -> dict[str, Any]:
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        return _finding("gpu", True, torch.cuda.get_device_name(0), required=False)
    return _finding("gpu", False, "none; the cpu and smoke profiles need none", required=False)


def _dtype() -> dict[str, Any]:
    """What models run in on this processor and why; not ok where nobody measured, or something else was measured."""
    found = rates(Workspace().rates)
    if found is None:
        return _finding("dtype", False, "not measured yet", "the first run does, or ninefold doctor --measure", False)
    dtype, why = found.choice("smollm2-135m")
    of = (found.processor, found.torch)
    ok = of == (processor(), version("torch"))
    line = f"{dtype}: {why}, measured {found.date}" + ("" if ok else f" on {found.processor} with torch {found.torch}")
    return _finding("dtype", ok, line, "another processor or torch: ninefold doctor --measure", False)


def _key() -> dict[str, Any]:
    key = key_id()
    return _finding(
        "signing key", key is not None, key or "none", "ninefold keys init; without it nothing is approved", False
    )


def _registry() -> list[dict[str, Any]]:
    """The record of approvals, and each model's champion and aliases against it."""
    workspace, registry = Workspace(), Registry(Workspace())
    _, faults = Approvals(workspace).verify()
    found = [_finding("approvals", not faults, faults[0] if faults else "whole", "ninefold approvals --verify", False)]
    for model in registry.models():
        lines = tampered(workspace, model)
        held = registry.holder(model, "champion")
        if held and not faults and (lacks := state(workspace, registered(workspace, model, held)).lacks):
            lines.append(f"champion version {held}: {lacks}")
        found.append(_finding(f"registry {model}", not lines, "; ".join(lines) or "as recorded", "", required=False))
    return found
