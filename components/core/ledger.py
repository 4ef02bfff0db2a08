"""The ledger: effects on the outside, effectively once.

Each effect (register a version, move an alias, push an image, deploy, alert) is written as an intent with an idempotency
key before it is tried; on a second try the target is asked first whether it is already there. SQLite, WAL,
`synchronous=FULL`, so that a recorded effect survives `kill -9` and power loss.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .database import durable, now

SCHEMA = """
create table if not exists effects (
    key text primary key, kind text not null, detail text not null, intended_at text not null,
    done_at text, outcome text
)
"""


Outcome = TypeVar("Outcome")


class Ledger:
    """Effects of one workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with durable(self.path) as database:
            database.execute(SCHEMA)

    def once(
        self,
        kind: str,
        key: str,
        *,
        find: Callable[[], Outcome | None],
        do: Callable[[], Outcome],
        detail: Mapping[str, object] | None = None,
    ) -> Outcome:
        """Have effect `key` happen, and return its outcome (JSON-able, not None).

        find: asks the target; its outcome when the effect is already there, else None
        do:   makes the effect and returns its outcome
        A recorded outcome is returned without asking; use `forget` when the target lost it.
        """
        with durable(self.path) as database:
            row = database.execute("select outcome from effects where key = ? and done_at is not null", [key]).fetchone()
            if row:
                return json.loads(row[0])
            database.execute(
                "insert or ignore into effects (key, kind, detail, intended_at) values (?, ?, ?, ?)",
                [key, kind, json.dumps(detail or {}, sort_keys=True), now()],
            )
        outcome = find()
        if outcome is None:
            outcome = do()
        with durable(self.path) as database:
            database.execute("update effects set done_at = ?, outcome = ? where key = ?", [now(), json.dumps(outcome), key])
        return outcome

    def forget(self, key: str) -> None:
        """Drop effect `key`, so that the next `once` asks the target again."""
        with durable(self.path) as database:
            database.execute("delete from effects where key = ?", [key])

    def latest(self, after: str = "") -> str:
        """When the last effect was done, of those done later than `after`; empty where there is none."""
        with durable(self.path) as database:
            row = database.execute("select max(done_at) from effects where done_at > ?", [after]).fetchone()
            return row[0] or ""

    def effects(self, kind: str | None = None) -> list[dict[str, Any]]:
        """All effects (of one kind), in the order in which they were begun, whatever the clock said."""
        with durable(self.path) as database:
            rows = database.execute("select * from effects where ? is null or kind = ? order by rowid", [kind, kind])
            return [dict(row) for row in rows]
