"""`ninefold doctor`: whether this machine can do the work, each finding with what to do about it."""

import importlib
import os
import shutil
import socket
from importlib.metadata import PackageNotFoundError, version
from typing import TypedDict

import psutil
from rich.console import Console

from components.core import ASSETS, Workspace
from components.core.code import shipped
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


class Finding(TypedDict):
    """One thing that was looked at, and what to do where it is not `ok`."""

    name: str
    ok: bool
    found: str
    do: str
    required: bool


class Findings(TypedDict):
    """All of them; `ok` is False when something that is required is wrong."""

    ok: bool
    findings: list[Finding]


def examine(measure: bool = False) -> Findings:
    """Findings: {name, ok, found, do}; `ok` overall is False when something that is required is wrong.

    measure: measure first what this processor computes, whatever was measured before
    """
    if measure:
        measured_again(Workspace().rates)
    findings = [*_versions(), _memory(), _disk(), _assets(), *_ports(), _docker(), _gpu(), _dtype(), _key(), *_registry()]
    return {"ok": all(item["ok"] for item in findings if item["required"]), "findings": findings}


def show(report: Findings) -> None:
    """Print the findings."""
    console = Console()
    for item in report["findings"]:
        mark = "[green]✓[/]" if item["ok"] else "[red]✗[/]" if item["required"] else "[yellow]–[/]"
        advice = f"  [dim]{item['do']}[/]" if item["do"] and not item["ok"] else ""
        console.print(f"{mark} {item['name']:<22} {item['found']}{advice}", highlight=False)


def _finding(name: str, ok: bool, found: str, do: str = "", required: bool = True) -> Finding:
    return {"name": name, "ok": ok, "found": found, "do": do, "required": required}


def _versions() -> list[Finding]:
    pinned = dict(line.split("==") for line in shipped("constraints.txt").read_text().split() if "==" in line)
    findings = []
    for package in NEEDED:
        try:
            have = version(package)
        except PackageNotFoundError:
            findings.append(_finding(package, False, "not installed", "make install"))
            continue
        want = pinned.get(package, have)
        same = have.split("+")[0] == want.split("+")[0]
        findings.append(_finding(package, same, have if same else f"{have}, pinned {want}", "make install"))
    return findings


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 1e9
    return _finding("memory", free >= 8, f"{free:.1f} GB available", "the cpu profile wants 8 GB; try --profile smoke")


def _disk() -> Finding:
    free = shutil.disk_usage(Workspace().root).free / 1e9
    return _finding(
        "disk", free >= 5, f"{free:.1f} GB free", "a full run writes about 3 GB; set NINEFOLD_HOME to a larger disk"
    )


def _assets() -> Finding:
    folder = Workspace().assets
    here = [name for name, asset in ASSETS.items() if (folder / f"{name}-{asset.version}").is_dir()]
    fetched = f"{len(here)} of {len(ASSETS)} fetched"
    return _finding(
        "assets", len(here) == len(ASSETS), fetched, "fetched by the first run, or by ninefold fetch", required=False
    )


def _ports() -> list[Finding]:
    findings = []
    for port, use in PORTS.items():
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        findings.append(
            _finding(
                f"port {port}",
                not taken,
                f"{'taken' if taken else 'free'} ({use})",
                "stop what listens there, or choose another",
                False,
            )
        )
    return findings


def _docker() -> Finding:
    docker = importlib.import_module("docker")
    try:
        client = docker.from_env(timeout=5)
        engine = f"engine {client.version()['Version']}"
    except docker.errors.DockerException:
        where = os.environ.get("DOCKER_HOST", "the default socket")
        return _finding(
            "docker", False, f"no engine at {where}", "start one and set DOCKER_HOST; without it no image is built", False
        )
    return _finding("docker", True, engine, required=False)


def _gpu() -> Finding:
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        return _finding("gpu", True, torch.cuda.get_device_name(0), required=False)
    return _finding("gpu", False, "none; the cpu and smoke profiles need none", required=False)


def _dtype() -> Finding:
    """What models run in on this processor and why; not ok where nobody measured, or something else was measured."""
    measured = rates(Workspace().rates)
    if measured is None:
        return _finding("dtype", False, "not measured yet", "the first run does, or ninefold doctor --measure", False)
    dtype, why = measured.choice("smollm2-135m")
    of = (measured.processor, measured.torch)
    ok = of == (processor(), version("torch"))
    line = f"{dtype}: {why}, measured {measured.date}"
    line += "" if ok else f" on {measured.processor} with torch {measured.torch}"
    return _finding("dtype", ok, line, "another processor or torch: ninefold doctor --measure", False)


def _key() -> Finding:
    key = key_id()
    return _finding(
        "signing key", key is not None, key or "none", "ninefold keys init; without it nothing is approved", False
    )


def _registry() -> list[Finding]:
    """The record of approvals, and each model's champion and aliases against it."""
    workspace, registry = Workspace(), Registry(Workspace())
    _, faults = Approvals(workspace).verify()
    findings = [_finding("approvals", not faults, faults[0] if faults else "whole", "ninefold approvals --verify", False)]
    for model in registry.models():
        lines = tampered(workspace, model)
        held = registry.holder(model, "champion")
        if held and not faults and (lacks := state(workspace, registered(workspace, model, held)).lacks):
            lines.append(f"champion version {held}: {lacks}")
        findings.append(_finding(f"registry {model}", not lines, "; ".join(lines) or "as recorded", "", required=False))
    return findings
