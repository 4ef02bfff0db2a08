"""The approval record: who let which version become champion, on which evidence; rows are only ever appended.

SQLite in the workspace (`approvals.db`), WAL, `synchronous=FULL`; triggers refuse changes and deletions, so that an edit
by hand needs more than a slip. Not a proof against whoever owns the disk: signing the record is not done here.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from components.core import Approval, Frozen
from components.core.database import durable

SCHEMA = """
create table if not exists approvals (
    number integer primary key autoincrement, at text not null, event text not null, model text not null,
    version integer not null, candidate text not null, evidence text not null, by text not null, policy integer not null,
    reason text not null
);
create trigger if not exists approvals_are_kept before delete on approvals
    begin select raise(abort, 'approvals are never deleted'); end;
create trigger if not exists approvals_do_not_change before update on approvals
    begin select raise(abort, 'approvals are never changed'); end;
"""


class Entry(Frozen):
    """One line of the record."""

    event: Literal["approve", "void"]
    model: str
    version: int
    candidate: str
    evidence: str
    by: str
    policy: bool
    reason: str
    at: str = ""

    @property
    def approval(self) -> Approval:
        """The entry as the card shows it."""
        return Approval.model_validate(self.model_dump(include=set(Approval.model_fields)))


class Approvals:
    """The record of one workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with durable(self.path) as database:
            database.executescript(SCHEMA)

    def append(self, entry: Entry) -> Entry:
        """Add a line, durable on return; its time is set here."""
        entry = entry.model_copy(update={"at": datetime.now(UTC).isoformat(timespec="seconds")})
        values = entry.model_dump()
        with durable(self.path) as database:
            database.execute(
                f"insert into approvals ({', '.join(values)}) values ({', '.join(f':{name}' for name in values)})", values
            )
        return entry

    def entries(self, model: str, version: int | None = None) -> list[Entry]:
        """Lines about `model` (one version of it), oldest first."""
        with durable(self.path) as database:
            rows = database.execute(
                "select * from approvals where model = ? and (? is null or version = ?) order by number",
                [model, version, version],
            ).fetchall()
        return [Entry.model_validate({name: row[name] for name in Entry.model_fields}) for row in rows]
