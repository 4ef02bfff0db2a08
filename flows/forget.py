"""`ninefold forget`: find what holds a subject, delete it, keep it out of later runs, and show that nothing is left.

The order makes an interrupted call safe to repeat: what is to be forgotten is written down first (in clear text, until the
end), then the suppression list, so that no run takes it in again; then endpoints and versions, then payloads; the last
search decides. Repeating the command, for whatever subject, finishes what was begun.
"""

import json
from collections import Counter
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table

from components import governance, serving
from components.core import BadInput, Workspace, publish_json, short
from components.core.code import ROOT
from components.governance import ALIASES, Registered, Registry
from components.lineage import PENDING, REASON, Item, Subject, erase, find_row, search, touched, with_rows
from components.text.suppression import Suppressed

UNREACHED = (
    "the source files: an asset or a file of yours is not rewritten; the suppression list keeps its rows out of every run",
    "base model weights that came from elsewhere: what they learnt before cannot be taken out",
    "cards in the project that another workspace wrote, of a version of the same number",
    "images already built or pushed, copies of a bundle taken elsewhere, a shared MLflow's artifact store",
    "backups, snapshots, version control, and blocks that the disk has freed and not yet overwritten",
)


class Withdrawn(TypedDict):
    """A version that is withdrawn; aliases: those that pointed at it."""

    model: str
    version: int
    use_case: str
    aliases: list[str]


class Forgotten(TypedDict):
    """What was touched, what must run again (step → times), what cannot be reached, and what is left.

    items, left: dumps of Item
    """

    dry_run: bool
    items: list[dict[str, object]]
    versions: list[Withdrawn]
    endpoints: list[str]
    run_again: dict[str, int]
    not_reached: list[str]
    left: list[dict[str, object]]


def forget(subject: str, *, dry_run: bool, yes: bool, workspace: Workspace | None = None) -> Forgotten:
    """Forget a text (an address, a name, a phrase), or a row or an answer by its id; returns what was touched and left.

    dry_run: only look. Raises BadInput without either `dry_run` or `yes`, MachineFault where a database is in use.
    """
    workspace = workspace or Workspace()
    if not dry_run and not yes:
        raise BadInput("forget: deletes for good. Look first with --dry-run, then repeat with --yes")
    wanted = _subject(workspace, subject)
    cards = _cards(workspace)
    if dry_run:
        return _report(workspace, touched(workspace, wanted, *cards), dry_run=True)
    with workspace.lock():
        publish_json(workspace.root / PENDING, wanted)
        items = touched(workspace, wanted, *cards)
        listed = Suppressed.read(workspace.forgotten)
        for phrase in wanted.phrases:
            listed = listed.adding(phrase)
        listed.write(workspace.forgotten)
        report = _report(workspace, items, dry_run=False)
        for version in _withdrawn(workspace, items):
            _withdraw(workspace, version)
        erase(workspace, wanted, items)
        left = search(workspace, wanted, *cards)
        erase(workspace, wanted, left)  # what withdrawing wrote, or an endpoint logged until it was stopped
        left = search(workspace, wanted, *cards) if left else []
        (workspace.root / PENDING).unlink()
        return {**report, "left": [item.model_dump(mode="json") for item in left if item.kind != "record"]}


def _subject(workspace: Workspace, given: str) -> Subject:
    """What to look for: the texts of a row or an answer with that id, else the text itself; the rows that hold it; and what
    an interrupted call had begun with."""
    pending = workspace.root / PENDING
    begun = Subject.model_validate_json(pending.read_text()) if pending.is_file() else Subject(phrases=())
    path = serving.traffic_path(workspace)
    answered = serving.Traffic(path).find(given) if path.is_file() else None
    row = None if answered else find_row(workspace.store, given)
    more = [answered["input"]] if answered else [row[0].id, row[0].text] if row else []
    wanted = Subject.of(*begun.phrases, given, *more)
    return with_rows(workspace.store, Subject(phrases=wanted.phrases, rows=begun.rows))


def _versions(workspace: Workspace) -> list[Registered]:
    registry = Registry(workspace)
    models = {json.loads(effect["detail"])["model"] for effect in registry.ledger.effects("describe")}
    return [version for model in sorted(models) for version in registry.versions(model)]


def _cards(workspace: Workspace) -> list[Path]:
    """The card files of this workspace's versions that lie outside of it: what names their Candidates, and what lies beside
    it. A trial's version has the number of a card that another workspace wrote, which is not this one's to delete."""
    files: set[Path] = set()
    for version in _versions(workspace):
        folder, named = Path(version.card).parent, short(version.candidate).encode()
        places = {(base / folder).resolve() for base in (ROOT, workspace.root)} if version.card else set()
        outside = [place for place in places if not place.is_relative_to(workspace.root.resolve())]
        beside = [path for place in outside for path in place.glob(f"{Path(version.card).stem}.*") if path.is_file()]
        files |= set(beside if any(named in path.read_bytes() for path in beside) else [])
    return sorted(files)


def _withdrawn(workspace: Workspace, items: list[Item]) -> list[Registered]:
    """Versions whose bundle, or whose copy in the registry, goes."""
    gone = {item.id for item in items if item.kind == "bundle"}
    for item in items:
        if item.kind == "registered copy":
            folder = workspace.root / "mlruns" / "models" / item.id
            gone |= {path.parent.name for path in folder.rglob("candidate.json")}
    registry = Registry(workspace)
    return [
        one for one in _versions(workspace) if one.candidate in gone and one.version not in registry.withdrawn(one.model)
    ]


def _withdraw(workspace: Workspace, version: Registered) -> None:
    """Stop its endpoint, take its approval back on the record, and take it out of the registry."""
    for name in _endpoints(workspace, [version]):
        serving.stop(workspace, name)
    governance.void(workspace, version.model, version.version, "ninefold forget", REASON)
    Registry(workspace).withdraw(version)


def _endpoints(workspace: Workspace, versions: list[Registered]) -> list[str]:
    """Kept endpoints that serve one of `versions`."""
    candidates = {version.candidate for version in versions}
    return [endpoint.name for endpoint in serving.all_kept(workspace) if endpoint.candidate in candidates]


def _report(workspace: Workspace, items: list[Item], *, dry_run: bool) -> Forgotten:
    versions = _withdrawn(workspace, items)
    registry = Registry(workspace)
    gone = {item.id for item in items if item.kind in ("object", "seal")}
    again = Counter(seal.name for seal in workspace.store.seals() if seal.key in gone or seal.made & gone)
    records = [f"{item.id} ({item.role}): append-only; it names who approved" for item in items if item.kind == "record"]
    return {
        "dry_run": dry_run,
        "items": [item.model_dump(mode="json") for item in items],
        "versions": [
            {
                "model": one.model,
                "version": one.version,
                "use_case": one.use_case,
                "aliases": [alias for alias in ALIASES if registry.holder(one.model, alias) == one.version],
            }
            for one in versions
        ],
        "endpoints": _endpoints(workspace, versions),
        "run_again": dict(sorted(again.items())),
        "not_reached": [*UNREACHED, *records],
        "left": [],
    }


def show(report: Forgotten) -> None:
    """Print what is touched, what must run again, what cannot be reached, and what is left."""
    console, dry = Console(), report["dry_run"]
    table = Table(title="would be deleted" if dry else "deleted", title_justify="left", header_style="bold")
    for name in ("kind", "what", "id", "count", "why"):
        table.add_column(name, justify="right" if name == "count" else "left", overflow="fold")
    for item in map(Item.model_validate, report["items"]):
        if item.kind != "record":
            table.add_row(item.kind, item.role, _short(item.id), f"{item.count:,}", item.why)
    console.print(table if table.row_count else "nothing here holds it", highlight=False)
    for version in report["versions"]:
        aliases = f" ({', '.join(version['aliases'])})" if version["aliases"] else ""
        verb = "would be withdrawn" if dry else "is withdrawn"
        console.print(f"  version   {version['model']} {version['version']}{aliases} {verb}", highlight=False)
    for name in report["endpoints"]:
        console.print(f"  endpoint  {name} {'would be' if dry else 'is'} stopped", highlight=False)
    again = ", ".join(f"{name.removeprefix('components.')} × {count}" for name, count in report["run_again"].items())
    if again:
        console.print(f"  run again {again}: `ninefold run` does, without the subject", highlight=False, soft_wrap=True)
    for line in report["not_reached"]:
        console.print(f"  not reached: {line}", highlight=False, soft_wrap=True)
    if not dry:
        left = ", ".join(f"{item.kind} {_short(item.id)}" for item in map(Item.model_validate, report["left"]))
        console.print(f"  second search: {f'still found in {left}' if left else 'nothing is left'}", highlight=False)


def _short(id: str) -> str:
    return id[:12] if len(id) == 64 else Path(id).as_posix()
