"""What lies behind the digests of a review page: tables, seals of steps, passages, and the card's pictures.

Only what the card's own record names is opened, and only as it was sealed: an object that was changed is refused.
"""

import json
import re
from collections.abc import Iterable
from html import escape
from typing import TypedDict

from components import cards, governance
from components.core import BadInput, Candidate, MachineFault, Passage, Store, Workspace, read_jsonl, short
from components.governance import Registered

LINES = 200
"""Rows of a table, or lines of a seal, on one page."""
FIRST = ("id", "text", "asked", "answer", "reference", "failed")
"""Columns of a table that come first, where it has them."""
SHOWN = re.compile(r"<code>([0-9a-f]{12})</code>")


class Opened(TypedDict):
    """What a digest names: a table with its rows, or other content as text."""

    digest: str
    what: str
    columns: list[str]
    rows: list[list[str]]
    text: str
    of: int
    """Rows or lines in all."""


def names(workspace: Workspace, version: Registered) -> dict[str, str]:
    """What people are shown of a digest → the whole digest, of all that the card's record names and the store holds; a
    version's evidence leads to its table."""
    card = governance.card_file(workspace, version)
    told = cards.read_record(card).model_dump_json() if card else ""
    known = {short(one): one for one in re.findall(r"\b[0-9a-f]{64}\b", told)}
    store = _looked_at(workspace)
    held = {name: one for name, one in known.items() if store.has(one) or store.sealed(one)}
    evidence = governance.evidence_in(store, version.evidence)
    if evidence and store.has(evidence.table):
        held |= {short(one): evidence.table for one in (version.evidence, evidence.table)}
    return held


def linked(html: str, version: Registered, known: Iterable[str]) -> str:
    """`html` in which each digest that can be opened is a link."""
    held = set(known)

    def link(match: "re.Match[str]") -> str:
        place = f"/{escape(version.model)}/{version.version}/digest/{match[1]}"
        return f'<a href="{place}">{match[0]}</a>' if match[1] in held else match[0]

    return SHOWN.sub(link, html)


def opened(workspace: Workspace, version: Registered, name: str) -> Opened:
    """What the digest `name` (its first 12 characters) holds. Raises BadInput where the version's card names no such digest,
    or it is not here; MachineFault where it was changed."""
    digest = names(workspace, version).get(name)
    if digest is None:
        raise BadInput(
            f"{name}: no digest that the card of {version.model} version {version.version} names and this store holds"
        )
    store = _looked_at(workspace)
    if not store.has(digest):
        seal = store.sealed(digest)
        lines = json.dumps(seal.model_dump(mode="json") if seal else {}, indent=2, ensure_ascii=False).splitlines()
        return _text(digest, f"step {seal.name}" if seal else "step", lines)
    if changed := store.damaged([digest]):
        raise MachineFault(f"{store.root}: {changed[0]} was changed. Run again")
    files = store.manifest(digest)
    if len(files) == 1 and next(iter(files)).endswith(".jsonl"):
        return _table(digest, next(iter(files)), read_jsonl(store.file(digest)))
    return _text(digest, "object with these files", [f"{file}  {whole}" for file, whole in files.items()])


def passages(store: Store, candidate: Candidate, wanted: Iterable[str]) -> dict[str, Passage]:
    """Id → passage of the candidate's knowledge base, of those wanted that are here."""
    ids = set(wanted)
    if not ids or candidate.retriever is None or not store.has(candidate.retriever.knowledge):
        return {}
    rows = read_jsonl(store.file(candidate.retriever.knowledge))
    return {row["id"]: Passage.model_validate(row) for row in rows if row["id"] in ids}


def _looked_at(workspace: Workspace) -> Store:
    """The store for who only looks: what is damaged is named, and left where it is."""
    return Store(workspace.store.root, workspace.store.derived, mends=False)


def _table(digest: str, file: str, rows: list[dict[str, object]]) -> Opened:
    there = dict.fromkeys(name for row in rows[:LINES] for name in row)
    columns = [*(name for name in FIRST if name in there), *(name for name in there if name not in FIRST)]
    cells = [[_said(row.get(name)) for name in columns] for row in rows[:LINES]]
    return {"digest": digest, "what": file, "columns": columns, "rows": cells, "text": "", "of": len(rows)}


def _text(digest: str, what: str, lines: list[str]) -> Opened:
    return {"digest": digest, "what": what, "columns": [], "rows": [], "text": "\n".join(lines[:LINES]), "of": len(lines)}


def _said(value: object) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    return f"{value:.3f}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
