"""SQLite as every durable record of a workspace uses it: what is committed survives `kill -9` and power loss."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .errors import MachineFault
from .files import disk_faults


@contextmanager
def durable(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the database at `path` (made where it is missing), then closed: committed at the end, rolled back
    on an exception. WAL with `synchronous=FULL`; waits up to 30 s for other writers. Rows have their columns' names.

    Raises MachineFault on a full or read-only disk.
    """
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=30)
    try:
        database.row_factory = sqlite3.Row
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        with database:
            yield database
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY):
            raise
        raise MachineFault(
            f"{path}: cannot write ({error}). Free some space, then try again: what was acknowledged is kept"
        ) from error
    finally:
        database.close()


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
