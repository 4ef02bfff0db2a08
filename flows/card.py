"""`ninefold card …`: verify a card against its evidence, lint it, compare two, print one, render one from its record."""

from pathlib import Path
from typing import Any, NotRequired, TypedDict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components import cards, governance
from components.core import BadInput, MachineFault, Workspace, publish_bytes
from components.core.code import ROOT
from components.governance import Registered, registered


class Checked(TypedDict):
    """What verifying a card came to."""

    card: str
    ok: bool
    offline: bool
    checks: list[str]
    wrong: list[str]
    unverified: list[str]


class Written(TypedDict):
    """Where a card was written, or by a template of your own its text."""

    card: str
    text: NotRequired[str]


class Linted(TypedDict):
    """The inconsistencies in a card's text."""

    card: str
    ok: bool
    findings: list[str]


def verify(card: str, offline: bool, workspace: Workspace | None = None) -> Checked:
    """Verify `card` (a path, or `model@alias`); returns what was checked and what was found.

    offline: what is not in this workspace does not count against it; what is here, and the text, still does. Raises Damaged
    where something of the store was damaged and not made again since: that is no reason to call a card unverified.
    """
    workspace = workspace or Workspace()
    workspace.store.whole()
    path = card_file(card, workspace)
    verified = cards.verify(path, workspace.store, _standing(path, workspace))
    return {
        "card": str(path),
        "ok": not verified.wrong and (offline or not verified.unverified),
        "offline": offline,
        "checks": list(verified.checks),
        "wrong": [str(finding) for finding in verified.wrong],
        "unverified": [str(finding) for finding in verified.unverified],
    }


def render(card: str, template: Path | None, workspace: Workspace | None = None) -> Written:
    """Write a card anew from its record, by the template of this version, and its PDF where there is one; with a template of
    your own, only its Markdown is rendered, and returned as `text`."""
    path = card_file(card, workspace or Workspace())
    record = cards.read_record(path)
    if template:
        return {"card": str(path), "text": cards.markdown(record, template)}
    written = cards.write_card(record, path.parent.parent)
    if written.with_suffix(".pdf").is_file():
        print_pdf(str(written), workspace)
    return {"card": str(written)}


def lint(card: str, workspace: Workspace | None = None) -> Linted:
    """Look for inconsistencies in the text of a card; returns them, each with its line."""
    path = card_file(card, workspace or Workspace())
    if path.suffix != ".md" or not path.is_file():
        raise BadInput(f"{path}: not a model card. Give the path of one (`model_cards/<use case>/v1.md`)")
    findings = [str(finding) for finding in cards.lint(path)]
    return {"card": str(path), "ok": not findings, "findings": findings}


def diff(before: str, after: str, workspace: Workspace | None = None) -> dict[str, list[str] | list[dict[str, str]]]:
    """What changed between two cards (`cards.diff`)."""
    workspace = workspace or Workspace()
    records = [cards.read_record(card_file(card, workspace)) for card in (before, after)]
    return cards.diff(*records)


def print_pdf(card: str, workspace: Workspace | None = None) -> Written:
    """Write a card as PDF beside it, from its record."""
    from components.cards.pdf import pdf

    path = card_file(card, workspace or Workspace())
    record = cards.read_record(path)
    publish_bytes(path.with_suffix(".pdf"), pdf(record, cards.markdown(record)))
    return {"card": str(path.with_suffix(".pdf"))}


def card_file(card: str, workspace: Workspace) -> Path:
    """The file of a card: `card` itself when it is a path, else the card of the registered version that it names."""
    path = Path(card)
    if path.suffix or path.exists() or "/" in card:
        return path
    name, _, which = card.partition("@")
    if which not in ("", "candidate", "champion", "previous") and not which.isdigit():
        raise BadInput(f"{card}: '{which}' is no version; allowed after @: candidate, champion, previous, or a number")
    version = registered(workspace, name, int(which) if which.isdigit() else which or None)  # type: ignore[arg-type]
    places = [workspace.root / version.card, ROOT / version.card, Path(version.card)]
    for place in places:
        if place.is_file() and _about(place) == version.candidate:
            return place
    raise MachineFault(f"{places[0]}: the card of {name} version {version.version} is not there, nor in {ROOT}")


def _about(card: Path) -> str | None:
    """Digest of the candidate that a card is about; None where its record is gone."""
    try:
        return cards.read_record(card).candidate.digest
    except BadInput:
        return None


def _standing(card: Path, workspace: Workspace) -> cards.Standing | None:
    """What the registry of this workspace knows of the version that the card names."""
    model = cards.read_record(card).model
    if model is None:
        return None
    try:
        version: Registered = registered(workspace, model["name"], model["version"])
    except BadInput:
        return None
    approval = governance.standing(workspace, version)
    return cards.Standing(
        candidate=version.candidate,
        evidence=version.evidence,
        config=version.config,
        record=version.record,
        approval=approval,
    )


def show_verified(report: Checked) -> None:
    """Print what was checked, each thing that is wrong, and each that could not be looked at."""
    console = Console()

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    for line in report["wrong"]:
        say(f"✗ {line}")
    for line in report["unverified"]:
        say(f"? {line}")
    if report["wrong"]:
        say(f"{report['card']}: {len(report['wrong'])} thing(s) do not hold")
    elif report["unverified"]:
        passed = "passed offline" if report["offline"] else "no pass (--offline lets it be)"
        say(f"{report['card']}: nothing is wrong, but {len(report['unverified'])} thing(s) could not be verified: {passed}")
    else:
        say(f"{report['card']}: holds. Checked: {'; '.join(report['checks'])}")


def show_linted(report: Linted) -> None:
    """Print each inconsistency, or that there is none."""
    lines = report["findings"] or [f"{report['card']}: nothing to object to"]
    Console().print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def show_diff(report: dict[str, Any]) -> None:
    """Print what changed in words, then the rows."""
    console = Console()
    console.print("\n".join(report["words"]), highlight=False, markup=False, soft_wrap=True)
    for part, rows in report.items():
        if part == "words" or not rows:
            continue
        table = Table("what", "before", "after", "change", title=part, title_justify="left")
        for row in rows:
            table.add_row(*(escape(row[key]) for key in ("what", "before", "after", "change")))
        console.print(table, highlight=False)


def show_rendered(report: Written) -> None:
    """Print the text, or where the card was written."""
    Console().print(report.get("text") or report["card"], highlight=False, markup=False, soft_wrap=True)
