"""The traffic log: each answered request, durable before the reply leaves, for monitoring.

One SQLite file a workspace (`serving/traffic.db`, WAL, `synchronous=FULL`). Inputs are stored as they came, so the file is
as private as what callers say; it stays on this machine.

An answer's id is a capability: who knows it may give feedback on the answer. Ids are looked up by their SHA-256, so that how
long a wrong one takes says nothing about those that are there.
"""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import cast

from components.core import Frozen, Workspace
from components.core.database import durable, now

from .bundle import Answered

SCHEMA = """
create table if not exists traffic (
    id text primary key, at text not null, model text not null, model_version text, candidate text not null,
    input text not null, answer text not null, passages text not null, scores text not null, seen text not null,
    seconds real not null, id_hash text not null default ''
);
create index if not exists traffic_by_model on traffic (model, at);
"""
LISTS = ("passages", "scores", "seen")


class Served(Frozen):
    """One answered request."""

    id: str
    model: str
    model_version: str | None
    candidate: str
    input: str
    answer: str
    passages: tuple[str, ...]
    """Ids, best first."""
    scores: tuple[float, ...]
    seen: tuple[dict[str, str], ...]
    """{"id", "text"} of what was put into the prompt: what a correction of the answer is learnt with."""
    seconds: float
    """From the parsed request to the whole answer."""


class Logged(Answered):
    """A row of the log: see Served."""

    at: str
    model: str
    model_version: str | None
    candidate: str
    seen: list[dict[str, str]]
    """{"id", "text"} of what was put into the prompt."""


class Traffic:
    """The log of one workspace; safe to write from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with durable(self.path) as database:
            database.executescript(SCHEMA)
            _hash_ids(database)

    def add(self, served: "Served") -> None:
        """Log one answered request; durable on return."""
        row = {**served.model_dump(), "at": now(), "id_hash": _hash(served.id)}
        row |= {column: json.dumps(row[column]) for column in LISTS}
        names = ", ".join(row)
        with durable(self.path) as database:
            database.execute(
                f"insert or ignore into traffic ({names}) values ({', '.join(f':{name}' for name in row)})", row
            )

    def find(self, id: str) -> Logged | None:
        """The request whose answer has this id, or None."""
        return next(iter(self._read("id_hash = ?", [_hash(id)])), None)

    def last(self) -> Logged | None:
        """The newest request, or None."""
        return next(iter(self._read("id = (select id from traffic order by at desc, rowid desc limit 1)", [])), None)

    def rows(self, model: str, version: str | None = None, since: str = "") -> list[Logged]:
        """Requests to `model` (one version of it; from the ISO time `since` on), oldest first."""
        return self._read("model = ? and (? is null or model_version = ?) and at >= ?", [model, version, version, since])

    def _read(self, where: str, values: list[str | None]) -> list[Logged]:
        with durable(self.path) as database:
            rows = [dict(row) for row in database.execute(f"select * from traffic where {where} order by at, id", values)]
        for row in rows:
            del row["id_hash"]
        logged = [{**row, **{column: json.loads(row[column]) for column in LISTS}} for row in rows]
        return cast(list[Logged], logged)  # SQLite knows no types of its columns


def _hash_ids(database: sqlite3.Connection) -> None:
    """Bring a log up to date that was begun before ids were hashed, or that a server of then still writes."""
    if not any(row["name"] == "id_hash" for row in database.execute("pragma table_info(traffic)")):
        database.execute("begin immediate")
        if not any(row["name"] == "id_hash" for row in database.execute("pragma table_info(traffic)")):
            database.execute("alter table traffic add column id_hash text not null default ''")
    database.execute("create index if not exists traffic_by_hash on traffic (id_hash)")
    old = [(_hash(row["id"]), row["id"]) for row in database.execute("select id from traffic where id_hash = ''")]
    database.executemany("update traffic set id_hash = ? where id = ?", old)


def _hash(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()


def traffic_path(workspace: Workspace) -> Path:
    """Where the endpoints of this workspace log."""
    return workspace.serving / "traffic.db"


def read_traffic(workspace: Workspace, model: str, version: str | None = None, since: str = "") -> list[Logged]:
    """Logged requests to `model`, oldest first; none when never served."""
    path = traffic_path(workspace)
    return Traffic(path).rows(model, version, since) if path.is_file() else []
