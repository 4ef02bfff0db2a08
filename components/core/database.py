"""SQLite as every durable record of a workspace uses it: what is committed survives `kill -9` and power loss."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from .errors import Damaged, MachineFault
from .files import disk_faults, fsync_folder, set_aside

FAULTS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
"""Kinds of SQLite errors that are the disk's."""
OURS = int.from_bytes(b"9fld")
"""Stands in the header of the databases that are made here."""
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

    Raises MachineFault on a full or read-only disk, Damaged for a file that is no whole database, or is empty.
    """
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    database = None
    try:
        keep_private(path)
        database = sqlite3.connect(path, timeout=30)
        database.row_factory = sqlite3.Row
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        with database:
            yield database
    except sqlite3.DatabaseError as error:
        explained = _explained(path, error)
        if explained is error:
            raise
        raise explained from error
    finally:
        if database is not None:
            database.close()


def keep_private(path: Path) -> None:
    """See that there is a database at `path` that nobody but its owner reads: made where nothing is there yet, and closed to
    others where it is the caller's own. What SQLite puts beside it takes its mode.

    To SQLite an empty file is an empty database. It is made whole under another name first, so that a file without a byte is
    none that a killed call began, but one that lost what stood in it. Raises Damaged for that, MachineFault where the disk
    is full or read-only.
    """
    with disk_faults(path):
        if not path.exists():
            _begin(path)
        for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            with suppress(FileNotFoundError):
                state = one.stat()
                if state.st_mode & 0o077 and state.st_uid == os.getuid():
                    one.chmod(0o600)
        if not path.stat().st_size:
            raise Damaged(path, "it is empty", LOST)


def begin_again(path: Path, lost: str) -> None:
    """`keep_private` for a database that is a projection alone. One that is torn or empty is named and set aside, with what
    SQLite keeps beside it, and a new one begun. lost: what that means

    Its size is held against its header. Only one that was not closed in order is read whole (measured: 470 MB/s).
    """
    try:
        keep_private(path)
        whole = path.with_name(f"{path.name}-wal").exists()
        with closing(sqlite3.connect(path, timeout=30)) as database:
            database.execute("select count(*) from sqlite_master")
            (found,) = database.execute("pragma quick_check(1)").fetchone() if whole else ("ok",)
        if found == "ok":
            return
        reason = str(found)
    except Damaged as damaged:
        reason = damaged.reason
    except sqlite3.DatabaseError as error:
        explained = _explained(path, error)
        if explained is error:
            raise
        if not isinstance(explained, Damaged):
            raise explained from error
        reason = explained.reason
    for beside in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + beside).replace(path.with_name(f"{path.name}.damaged{beside}"))
    set_aside(path, reason, lost)
    keep_private(path)


def _explained(path: Path, error: sqlite3.DatabaseError) -> Exception:
    """What an error of SQLite is for a person: Damaged, MachineFault, or the error itself."""
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more
    if kind in TORN:
        return Damaged(path, str(error), LOST)
    if kind in FAULTS:
        advice = "Free some space, then try again: what was acknowledged is kept"
        return MachineFault(f"{path}: cannot write ({error}). {advice}")
    return error


def _begin(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # its owner's alone
    os.close(descriptor)
    try:
        with closing(sqlite3.connect(name)) as database:
            database.execute("pragma synchronous = full")
            database.execute(f"pragma application_id = {OURS}")  # writes the first page
        with suppress(FileExistsError):  # another process was first
            os.link(name, path)
    finally:
        os.unlink(name)
    fsync_folder(path.parent)


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
