"""`ninefold approve`, `reject`, `rollback`, `approvals`: people decide what is champion, on the record."""

from typing import Any

from rich.console import Console

from components import governance
from components.core import Workspace, short


def decide(
    event: str, model: str, version: int | None, by: str, reason: str, *, role: str = "", seen: str = "",
    workspace: Workspace | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Record `approve` or `reject`, and move the alias where nothing is lacking; returns the line and what came of it.

    seen: digest of what was read, where the caller knows it
    """
    workspace = workspace or Workspace()
    found = governance.tampered(workspace, model)
    function = {"approve": governance.approve, "reject": governance.reject}[event]
    approval = function(workspace, model, version, by, reason, role=role, seen=seen)
    chosen = governance.registered(workspace, model, "candidate" if version is None else version)
    champion = governance.Registry(workspace).holder(model, "champion")
    return {
        "model": model,
        "version": chosen.version,
        "decision": event,
        "champion": champion,
        "lacks": governance.state(workspace, chosen).lacks,
        "tampered": found,
        **approval.model_dump(mode="json"),
    }


def rollback(model: str, by: str, reason: str, role: str = "") -> dict[str, Any]:
    """Make `previous` champion again."""
    workspace = Workspace()
    found = governance.tampered(workspace, model)
    chosen = governance.rollback(workspace, model, by, reason, role=role)
    return {"model": model, "version": chosen.version, "decision": "rollback", "champion": chosen.version, "lacks": "",
            "tampered": found, "by": by, "reason": reason, "role": role, "candidate": chosen.candidate}  # fmt: skip


def history(model: str | None, verify: bool) -> dict[str, Any]:
    """The record (about `model`), what is wrong with it, and (verify) what somebody changed in MLflow."""
    workspace = Workspace()
    lines, faults = governance.Approvals(workspace).verify()
    known = sorted({line.model for line in lines})
    if model and model not in known:
        governance.registered(workspace, model)  # says which models there are not
    models = [model] if model else known
    found = [f"{name}: {line}" for name in models for line in governance.tampered(workspace, name)] if verify else []
    shown = [line.model_dump(mode="json") for line in lines if model in (None, line.model)]
    return {"lines": shown, "faults": faults, "tampered": found, "ok": not faults and not found}


def warn(lines: list[str]) -> None:
    """Say on standard error what somebody changed in MLflow, one line each."""
    for line in lines:
        Console(stderr=True).print(f"registry: {line}", highlight=False, markup=False, soft_wrap=True)


def show(report: dict[str, Any]) -> None:
    """Print who decided what, and what came of it."""
    warn(report["tampered"])
    name, version = report["model"], report["version"]
    who = f"{report['by']}: {report['reason']}"
    if report["decision"] == "reject":
        line = f"{name} version {version} is rejected, by {who}"
        line += "; it is still champion until another version is approved" if report["champion"] == version else ""
    elif report["lacks"]:
        line = f"{name} version {version} is approved by {who}; {report['lacks']}"
    else:
        line = f"{name} version {version}: candidate {short(report['candidate'])} is champion, by {who}"
    Console().print(line, highlight=False, markup=False, soft_wrap=True)


def show_history(report: dict[str, Any]) -> None:
    """Print the chain, then its faults."""
    console = Console()
    for line in report["lines"]:
        said = f"{line['number']:>4}  {line['at'][:19]}  {line['event']:<8} {line['model']} version {line['version']}"
        said += f" ({short(line['candidate'])})  {line['by']}, {line['role']}: {line['reason']}"
        console.print(said, highlight=False, markup=False, soft_wrap=True)
    for fault in report["faults"]:
        console.print(f"  broken: {fault}", highlight=False, markup=False, soft_wrap=True)
    warn(report["tampered"])
    said = "the chain is whole" if not report["faults"] else "the record is broken: nothing is promoted on it"
    console.print(f"  {len(report['lines'])} lines; {said}", highlight=False)
