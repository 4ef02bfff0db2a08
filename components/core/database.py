"""SQLite as every durable record of a workspace uses it: what is committed survives `kill -9` and power loss."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .errors import Damaged, MachineFault
from .files import disk_faults, keep_private

FAULTS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
"""Kinds of SQLite errors that are the disk's."""
TORN = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
LOST = (
    "nothing can make again what stands in it. Put it back from a backup; or move it away, and with it what was registered, "
    "moved, approved or given as feedback here"
)


@contextmanager
def durable(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the database at `path` (made where it is missing), closed at the end: what was written is committed,
    or rolled back on an exception. WAL with `synchronous=FULL`; waits up to 30 s for other writers. Rows have their
    columns' names. Only its owner may read it.

    Raises MachineFault on a full or read-only disk, Damaged for a file that is no whole database.
    """
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        keep_private(path)
    database = None
    try:
        database = sqlite3.connect(path, timeout=30)
        database.row_factory = sqlite3.Row
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        with database:
            yield database
    except sqlite3.DatabaseError as error:
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more
        if kind in TORN:
            raise Damaged(path, str(error), LOST) from error
        if kind not in FAULTS:
            raise
        advice = "Free some space, then try again: what was acknowledged is kept"
        raise MachineFault(f"{path}: cannot write ({error}). {advice}") from error
    finally:
        if database is not None:
            database.close()


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
