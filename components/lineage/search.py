"""Where a workspace holds a subject: every object, seal, table, bundle, log and database, and every file beside them.

`search` finds what holds it; `touched` adds what was made from that and holds it no longer in words: trained weights, and
the bundles that carry them. The fetched assets are other people's files: they are not searched here and never rewritten.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from components.application.stores import forms_held, is_form
from components.core import Frozen, Seal, Store, Workspace

from .content import cells, contents, is_database, table_texts
from .subject import Subject

Kind = Literal[
    "object", "seal", "scratch", "derived table", "form of an index", "bundle", "registered copy", "database", "log", "file",
    "record",
]  # fmt: skip
RECORDS = ("ledger.db", "approvals.db")
"""Append-only: they keep digests and names of approvers, and are never rewritten."""
TAUGHT_BY = (
    "train",
    "feedback",
    "training_knowledge",
    "practice",
    "practice_passages",
    "made",
    "documents",
    "pseudo",
    "pairs",
    "canaries",
)
"""Splits that weights are made from. A seal names the whole dataset: what only validation or test hold taught nothing."""
WEIGHTS = (".safetensors", ".onnx", ".skops", ".bin", ".gguf", ".npy")
PENDING = "forgetting.json"
_WHAT = {
    "rows.jsonl": "row", "passages.jsonl": "passage", "chunks.jsonl": "chunk", "pairs.jsonl": "pair",
    "examples.jsonl": "row of evidence", "outcomes.jsonl": "checked item", "quarantine.jsonl": "quarantined row",
}  # fmt: skip


class Item(Frozen):
    """One thing that is touched."""

    kind: Kind
    id: str
    """Digest, key, folder name, or path in the workspace."""
    role: str = ""
    """What it is: split train, adapter lora sft, index, components.tuning.tune …"""
    count: int = 1
    """Rows, chunks, lines or cells that hold the subject."""
    rows: tuple[str, ...] = ()
    """Ids of the first of them."""
    why: str = "holds it"


def with_rows(store: Store, subject: Subject) -> Subject:
    """The subject with the ids of the rows that hold it, as long as they are there to be found."""
    paths = [path for folder in _inside(store.root / "objects") for path in sorted(folder.glob("rows.jsonl"))]
    held = {json.loads(line)["id"] for path in paths for line in path.read_text().split("\n") if subject.holds(line)}
    return Subject(phrases=subject.phrases, rows=tuple(sorted({*subject.rows, *held})))


def search(workspace: Workspace, subject: Subject, *more: Path) -> list[Item]:
    """Everything in the workspace, and in the folders and files `more`, that holds the subject."""
    store, roles = workspace.store, object_roles(workspace.store)
    items = [*_objects(store, roles, subject), *_seals(store, subject)]
    items += _folders(store.root / "scratch", "scratch", subject)
    items += _folders(store.derived, "derived table", subject)
    items += _folders(workspace.serving / "bundles", "bundle", subject)
    items += _folders(workspace.root / "mlruns" / "models", "registered copy", subject)
    for root in (workspace.root, store.root / "tombstones", *more):
        items += [item for path in _others(root, workspace) if (item := _file(path, workspace, subject))]
    return [*_forms(workspace, items), *items]


def touched(workspace: Workspace, subject: Subject, *more: Path) -> list[Item]:
    """What holds the subject, and the weights that were made from rows that hold it, with the bundles that carry them."""
    items = search(workspace, subject, *more)
    store, roles = workspace.store, object_roles(workspace.store)
    gone = {item.id for item in items if item.kind == "object"}
    taught = {digest for digest in gone if roles.get(digest, "") in TAUGHT_BY}
    weights = _made_from(store, taught) - gone
    items += [
        Item(kind="object", id=digest, role=roles.get(digest) or "weights", why="made from rows that hold it")
        for digest in sorted(weights)
    ]
    known = {item.id for item in items}
    for kind, folder in (("bundle", workspace.serving / "bundles"), ("registered copy", _models(workspace))):
        for path in _inside(folder):
            if path.name not in known and any((one / digest).is_dir() for digest in gone | weights for one in _stores(path)):
                items.append(Item(kind=kind, id=path.name, role="bundle", why="carries what was made from it"))
    known = {item.id for item in items}
    return [*[form for form in _forms(workspace, items) if form.id not in known], *items]


def _forms(workspace: Workspace, items: list[Item]) -> list[Item]:
    """The forms that vector stores keep of an index that goes, or went before: vectors and names of passages, no text that a
    search could find. They are named first, and so deleted first: once the index is gone, nothing else leads to them."""
    store = workspace.store
    gone = {item.id for item in items if item.kind == "object"}
    gone |= {one.of for one in store.tombstones().values() if one.kind == "object"}
    for kind, folder in (("bundle", workspace.serving / "bundles"), ("registered copy", _models(workspace))):
        paths = [folder / item.id for item in items if item.kind == kind]
        gone |= {one.name for path in paths for objects in _stores(path) for one in objects.iterdir()}
    return [
        Item(kind="form of an index", id=f"{name} {index}", role=f"vectors in {name}", why="made from rows that hold it")
        for name, index in forms_held(gone, store.derived)
    ]


def object_roles(store: Store) -> dict[str, str]:
    """Object → what it is, from the results that name it: the split's name, `adapter lora sft`, `index`, `evidence test`."""
    roles: dict[str, str] = {}
    for seal in store.seals():
        for digest, role in _roles(seal.result):
            if len(role) > len(roles.get(digest, "")) or digest not in roles:
                roles[digest] = role
    return roles


def _roles(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _roles(one, field)
    if isinstance(value, dict):
        if isinstance(digest := value.get("object"), str) and digest:
            name = value.get("name") or " ".join(value[key] for key in ("technique", "objective") if key in value)
            yield digest, name if name == field or "count" in value else f"{field} {name}".strip()
        if isinstance(table := value.get("table"), str):
            yield table, f"evidence {value.get('split', '')}".strip()
        for name in ("index", "docs", "provenance"):
            if isinstance(digest := value.get(name), str) and digest:
                yield digest, name
        for name, one in value.items():
            yield from _roles(one, name)


def _made_from(store: Store, taught: set[str]) -> set[str]:
    """Objects with weights that were made, at any remove, from the objects `taught`. The most direct step counts: a base
    model that a stage passes on was made by the step that fetched it, from no rows."""
    makers: dict[str, list[Seal]] = {}
    for seal in store.seals():
        for digest in seal.made:
            makers.setdefault(digest, []).append(seal)
    weights = {digest for digest in makers if store.has(digest) and _is_weights(store.root / "objects" / digest)}
    reached = set(taught)
    while True:
        more = {digest for digest in weights - reached if any(_inputs(seal) & reached for seal in _direct(makers[digest]))}
        if not more:
            return reached - taught
        reached |= more


def _direct(seals: list[Seal]) -> list[Seal]:
    steps = [seal for seal in seals if not seal.name.startswith("components.")]
    return steps or seals


def _inputs(seal: Seal) -> set[str]:
    return {digest for given in seal.inputs.values() for digest in given}


def _is_weights(folder: Path) -> bool:
    return any(path.suffix in WEIGHTS for path in folder.rglob("*"))


def _objects(store: Store, roles: dict[str, str], subject: Subject) -> Iterator[Item]:
    for folder in _inside(store.root / "objects"):
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and _holds(path, subject)]
        lines = [line for path in paths if path.suffix == ".jsonl" for line in path.read_text().split("\n")]
        rows = [json.loads(line) for line in lines if line and subject.holds(line)]
        names = Counter(_WHAT.get(path.name, path.name) for path in paths)
        if paths:
            role = roles.get(folder.name) or ", ".join(names)
            ids = tuple(str(row.get("id", "")) for row in rows if isinstance(row, dict))
            yield Item(kind="object", id=folder.name, role=role, count=len(rows) or len(paths), rows=ids[:20])


def _seals(store: Store, subject: Subject) -> Iterator[Item]:
    for seal in store.seals():  # a damaged one is set aside, where scratch folders are searched
        if subject.in_bytes((store.root / "steps" / f"{seal.key}.json").read_bytes()):
            yield Item(kind="seal", id=seal.key, role=seal.name)


def _folders(root: Path, kind: Kind, subject: Subject) -> Iterator[Item]:
    """Folders (or single files) below `root` that are kept or deleted as a whole."""
    for folder in _inside(root):
        if kind == "derived table" and is_form(folder.name):
            continue  # `_forms` knows by the index whether it goes
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()] if folder.is_dir() else [folder]
        tables = [path for path in folder.rglob("*.lance") if path.is_dir()]
        count = sum(_holds(path, subject) for path in paths)
        count += sum(any(map(subject.in_bytes, table_texts(table))) for table in tables)
        if count:
            yield Item(kind=kind, id=folder.name, role=kind, count=count)


def _others(root: Path, workspace: Workspace) -> Iterator[Path]:
    """Files that no other part of the search looks at."""
    if root.is_file():
        yield root
    apart = {workspace.assets, workspace.store.root, workspace.serving / "bundles", _models(workspace)}
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        if path in apart or path.is_symlink() or path == workspace.root / PENDING:
            continue
        if path.is_dir():
            yield from _others(path, workspace)
        elif path.is_file():
            yield path


def _file(path: Path, workspace: Workspace, subject: Subject) -> Item | None:
    name = path.relative_to(workspace.root).as_posix() if path.is_relative_to(workspace.root) else str(path)
    if path.name.endswith(("-wal", "-shm")) and path.with_name(path.name[:-4]).is_file():
        return None  # part of a database, which is read with it
    if is_database(path):
        tables = Counter(table for table, _, _, text in cells(path) if subject.holds(text))
        log = path.with_name(f"{path.name}-wal")  # deleted rows stand there until it is written over
        if not tables and not _holds(path, subject) and not (log.is_file() and _holds(log, subject)):
            return None
        role = ", ".join(f"{table} {count}" for table, count in sorted(tables.items())) or "deleted rows"
        kind: Kind = "record" if path.name in RECORDS else "database"
        return Item(kind=kind, id=name, role=role, count=sum(tables.values()) or 1)
    if not _holds(path, subject):
        return None
    if path.suffix == ".log":
        lines = [line for line in path.read_bytes().split(b"\n") if subject.in_bytes(line)]
        return Item(kind="log", id=name, role="log", count=max(1, len(lines)))
    return Item(kind="file", id=name, role=path.parent.name)


def _holds(path: Path, subject: Subject) -> bool:
    return any(subject.in_bytes(content) for content in contents(path))


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _models(workspace: Workspace) -> Path:
    """Where MLflow keeps the copies of registered bundles."""
    return workspace.root / "mlruns" / "models"


def _stores(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("objects") if path.is_dir() and path.parent.name == "store"]
