"""`ninefold approve`, `reject`, `rollback`, `approvals`: people decide what is champion, on the record."""

from typing import NotRequired, TypedDict, cast

from rich.console import Console

from components import cards, governance
from components.core import ApprovalRules, GateRefused, Workspace, short
from components.governance import approvals


class Approved(TypedDict):
    """A dump of Approval: who decided what, on which evidence; a rejection has the same form."""

    by: str
    policy: bool
    reason: str
    candidate: str
    evidence: str
    at: str
    role: str
    config: str
    card: str
    expires: str


class Recorded(TypedDict):
    """What was recorded about a version, and what came of it. What is not required, a rollback does not have."""

    model: str
    version: int
    decision: str
    champion: int | None
    lacks: str
    tampered: list[str]
    by: str
    reason: str
    role: str
    candidate: str
    policy: NotRequired[bool]
    evidence: NotRequired[str]
    at: NotRequired[str]
    config: NotRequired[str]
    card: NotRequired[str]
    expires: NotRequired[str]


class Line(TypedDict):
    """A dump of Entry, a line of the record: what is shown of it."""

    number: int
    at: str
    event: str
    model: str
    version: int
    candidate: str
    by: str
    role: str
    reason: str
    ahead: str


class History(TypedDict):
    """The record and what is wrong with it."""

    lines: list[Line]
    faults: list[str]
    head: str
    tampered: list[str]
    unapproved: list[str]
    ok: bool


def decide(
    event: str, model: str, version: int | None, by: str, reason: str, *, role: str = "", seen: str = "",
    workspace: Workspace | None = None,
) -> Recorded:  # fmt: skip
    """Record `approve` or `reject`, and move the alias where nothing is lacking; returns the line and what came of it.

    seen: digest of what was read, where the caller knows it
    Raises what `governance.approve` does; an approval also GateRefused when the card is not what its record renders.
    """
    workspace = workspace or Workspace()
    tampered = governance.tampered(workspace, model)
    chosen = governance.registered(workspace, model, "candidate" if version is None else version)
    if event == "approve":
        seen = seen or governance.covered(workspace, chosen).digest  # what is checked here is what is approved
        if wrong := forged(workspace, chosen):
            raise GateRefused(
                f"version {chosen.version} of '{model}' is not approved: {wrong[0]}. Nothing was recorded. `ninefold card "
                "verify` names every difference; bring the card back, or run the use case again"
            )
    function = {"approve": governance.approve, "reject": governance.reject}[event]
    approval = function(workspace, model, chosen.version, by, reason, role=role, seen=seen)
    approved = cast(Approved, approval.model_dump(mode="json"))
    return {
        "model": model,
        "version": chosen.version,
        "decision": event,
        "champion": governance.Registry(workspace).holder(model, "champion"),
        "lacks": governance.state(workspace, chosen, approvals.now()).lacks,
        "tampered": tampered,
        **approved,
    }


def forged(workspace: Workspace, version: governance.Registered, *, paper: bool = True) -> list[str]:
    """What the card of `version` says otherwise than its record, and its record otherwise than the registry; nothing where
    there is no card. paper: its PDF too, which takes seconds. Raises BadInput where its record is gone."""
    card = governance.card_file(workspace, version)
    if card is None:
        return []
    record = cards.read_record(card)
    differences = [str(finding) for finding in cards.rendered_again(card, record, paper=paper) if not finding.missing]
    contract = record.use_case
    if record.candidate.digest != version.candidate:
        differences.append(
            f"{card.name} is about candidate {short(record.candidate.digest)}, not {short(version.candidate)}"
        )
    if contract.get("risk_tier", "medium") != version.risk_tier:
        differences.append(f"its contract says risk tier {contract.get('risk_tier')}, the registry {version.risk_tier}")
    if ApprovalRules.model_validate(contract.get("approvals") or {}) != version.rules:
        differences.append("its contract says otherwise than the registry who may approve it")
    return differences


def rollback(model: str, by: str, reason: str, role: str = "") -> Recorded:
    """Make `previous` champion again."""
    workspace = Workspace()
    tampered = governance.tampered(workspace, model)
    chosen = governance.rollback(workspace, model, by, reason, role=role)
    return {"model": model, "version": chosen.version, "decision": "rollback", "champion": chosen.version, "lacks": "",
            "tampered": tampered, "by": by, "reason": reason, "role": role, "candidate": chosen.candidate}  # fmt: skip


def history(model: str | None, verify: bool) -> History:
    """The record (about `model`), what is wrong with it, and (verify) what somebody changed in MLflow, and champions that no
    approval lets be."""
    workspace = Workspace()
    registry, record = governance.Registry(workspace), governance.Approvals(workspace)
    lines, faults = record.verify()
    known = {*registry.models(), *(line.model for line in lines if line.model)}
    if model and model not in known:
        governance.registered(workspace, model)  # says which models there are not
    models = [model] if model else sorted(known)
    tampered = [f"{name}: {line}" for name in models for line in governance.tampered(workspace, name)] if verify else []
    unapproved = [line for name in models for line in _unapproved(workspace, name)] if verify and not faults else []
    shown = [line for line in lines if model in (None, line.model) or line.event == "clock"]
    dumps = [cast(Line, line.model_dump(mode="json")) for line in shown]
    return {"lines": dumps, "faults": faults, "head": record.head(), "tampered": tampered, "unapproved": unapproved,
            "ok": not (faults or tampered or unapproved)}  # fmt: skip


def _unapproved(workspace: Workspace, model: str) -> list[str]:
    held = governance.Registry(workspace).holder(model, "champion")
    lacks = governance.state(workspace, governance.registered(workspace, model, held)).lacks if held else ""
    return [f"{model}: champion is version {held}, and no approval of it stands: {lacks}"] if lacks else []


def correct_clock(by: str, reason: str) -> History:
    """Say on the record that the clock had run ahead, then show the record."""
    governance.correct_clock(Workspace(), by, reason)
    return history(None, verify=False)


def warn(lines: list[str]) -> None:
    """Say on standard error what somebody changed in MLflow, one line each."""
    for line in lines:
        Console(stderr=True).print(f"registry: {line}", highlight=False, markup=False, soft_wrap=True)


def show(report: Recorded) -> None:
    """Print who decided what, and what came of it."""
    warn(report["tampered"])
    name, version = report["model"], report["version"]
    who = f"{report['by']}: {report['reason']}"
    if report["decision"] == "reject":
        line = f"{name} version {version} is rejected, by {who}"
        line += "; it is still champion until another version is approved" if report["champion"] == version else ""
    elif report["champion"] == version and not report["lacks"]:
        line = f"{name} version {version}: candidate {short(report['candidate'])} is champion, by {who}"
    else:
        line = f"{name} version {version} is approved by {who}; {report['lacks'] or 'it is not champion: approve it again'}"
    Console().print(line, highlight=False, markup=False, soft_wrap=True)


def show_history(report: History) -> None:
    """Print the chain, then its faults."""
    console = Console()
    for line in report["lines"]:
        about = f"{line['model']} version {line['version']} ({short(line['candidate'])})"
        if line["event"] == "clock":
            about = f"corrected: it had run ahead to {line['ahead'][:19]}"
        text = f"{line['number']:>4}  {line['at'][:19]}  {line['event']:<8} {about}"
        text += f"  {line['by']}, {line['role']}: {line['reason']}"
        console.print(printable(text), highlight=False, markup=False, soft_wrap=True)
    for fault in report["faults"]:
        console.print(f"  broken: {fault}", highlight=False, markup=False, soft_wrap=True)
    warn([*report["tampered"], *report["unapproved"]])
    verdict = "the chain is whole" if not report["faults"] else "the record is broken: nothing is promoted on it"
    verdict += f"; last line {short(report['head'])}" if report["head"] else ""
    console.print(f"  {len(report['lines'])} lines; {verdict}", highlight=False)


def printable(line: str) -> str:
    """`line` with what would break it, or steer the terminal, written out: others wrote it, maybe before it was refused."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
