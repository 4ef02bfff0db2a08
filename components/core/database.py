"""SQLite as every durable record of a workspace uses it: what is committed survives `kill -9` and power loss."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .errors import MachineFault
from .files import disk_faults

FAULTS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
"""Kinds of SQLite errors that are the disk's."""


@contextmanager
def durable(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the database at `path` (made where it is missing), closed at the end: what was written is committed,
    or rolled back on an exception. WAL with `synchronous=FULL`; waits up to 30 s for other writers. Rows have their
    columns' names.

    Raises MachineFault on a full or read-only disk.
    """
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    database = None
    try:
        database = sqlite3.connect(path, timeout=30)
        database.row_factory = sqlite3.Row
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        with database:
            yield database
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in FAULTS:  # the lower byte is the kind, the rest says more
            raise
        advice = "Free some space, then try again: what was acknowledged is kept"
        raise MachineFault(f"{path}: cannot write ({error}). {advice}") from error
    finally:
        if database is not None:
            database.close()


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
