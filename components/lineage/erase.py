"""Deleting what was found: payloads go, digests stay.

Whole objects, seals, bundles and files are deleted, rows of our own databases too; in MLflow's and Prefect's databases a
trace or a prompt version goes whole, and any other cell loses the words in question, so that their pages go on working.
Each part may be repeated: a killed deletion is finished by the next.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from components.application.stores import drop_form
from components.core import Workspace, publish_bytes
from components.core.files import fsync_folder

from .content import cells, compact, connect, in_use
from .search import Item
from .subject import GONE, Subject

REASON = "forgotten on request"
WHOLE_ROWS = {"feedback": "id", "traffic": "id"}
"""Tables of our own whose row goes whole."""
TRACES = {
    **dict.fromkeys(("span_metrics", "spans", "assessments"), "trace_id"),
    **dict.fromkeys(("trace_tags", "trace_request_metadata", "trace_metrics", "trace_info"), "request_id"),
}
"""MLflow's tables that belong to one trace, what refers to another table first, and the column that names the trace."""


def erase(workspace: Workspace, subject: Subject, items: list[Item]) -> None:
    """Delete `items`. Raises MachineFault where a database is in use."""
    for item in items:
        _one(workspace, subject, item)


def _one(workspace: Workspace, subject: Subject, item: Item) -> None:
    store = workspace.store
    path = workspace.root / item.id  # an absolute one stays as it is
    if item.kind == "object":
        store.forget(item.id, REASON)
    elif item.kind == "seal":
        store.unseal(item.id, REASON)
    elif item.kind == "scratch":
        shutil.rmtree(store.root / "scratch" / item.id, ignore_errors=True)
    elif item.kind == "derived table":
        _remove(store.derived / item.id)
    elif item.kind == "form of an index":
        name, index = item.id.split()
        drop_form(name, index, store.derived)
    elif item.kind == "bundle":
        _remove(workspace.serving / "bundles" / item.id)
    elif item.kind == "registered copy":
        _remove(workspace.root / "mlruns" / "models" / item.id)
    elif item.kind == "database":
        erase_rows(path, subject)
    elif item.kind == "log":
        lines = [line for line in path.read_bytes().split(b"\n") if not subject.in_bytes(line)]
        publish_bytes(path, b"\n".join(lines))
    elif item.kind == "file":
        path.unlink(missing_ok=True)


def erase_rows(path: Path, subject: Subject) -> None:
    """Take the subject out of a SQLite database, its free pages and its log."""
    with closing(connect(path)) as database:
        names = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
        with in_use(path):
            database.execute("begin immediate")
            for cell in [cell for cell in cells(path) if subject.holds(cell[3])]:
                _clean(database, names, cell, subject)
            database.execute("commit")
        compact(database, path)


def _clean(database: sqlite3.Connection, names: set[str], cell: tuple[str, int, str, str], subject: Subject) -> None:
    table, row, column, text = cell
    if table in WHOLE_ROWS:
        database.execute(f'delete from "{table}" where rowid = ?', [row])
    elif table in TRACES and "trace_info" in names:
        trace = database.execute(f'select {TRACES[table]} from "{table}" where rowid = ?', [row]).fetchone()
        for other, key in TRACES.items() if trace else ():
            if other in names:
                database.execute(f'delete from "{other}" where {key} = ?', trace)
    elif table == "model_version_tags" and (version := _prompt_version(database, row)):
        for other in ("model_version_tags", "model_versions", "registered_model_aliases"):
            database.execute(f"delete from {other} where name = ? and version = ?", version)
    else:
        database.execute(f'update "{table}" set "{column}" = ? where rowid = ?', [_without(text, subject), row])


def _prompt_version(database: sqlite3.Connection, row: int) -> tuple[str, int] | None:
    """The prompt version that this tag belongs to; None where it belongs to a model, or is gone already."""
    query = "select name, version from model_version_tags where rowid = ?"
    version = database.execute(query, [row]).fetchone()
    marked = "select 1 from model_version_tags where name = ? and version = ? and key = 'mlflow.prompt.is_prompt'"
    return version if version and database.execute(marked, version).fetchone() else None


def _without(text: str, subject: Subject) -> str:
    """The text without the words; where it was JSON and would be none any more, one JSON string in its place."""
    cleaned = subject.without(text)
    return cleaned if not _is_json(text) or _is_json(cleaned) else json.dumps(GONE)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _remove(folder: Path) -> None:
    """Delete a folder by way of a hidden name, so that none is ever seen half deleted; then what a killed call left."""
    if folder.is_dir():
        dying = folder.with_name(f".forgotten.{folder.name}")
        shutil.rmtree(dying, ignore_errors=True)
        os.rename(folder, dying)
        fsync_folder(folder.parent)
    for left in _dying(folder.parent):
        shutil.rmtree(left)


def _dying(parent: Path) -> Iterator[Path]:
    yield from parent.glob(".forgotten.*") if parent.is_dir() else ()
