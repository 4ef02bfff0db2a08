"""What lies in a file, as bytes to search: whole files, members of archives, cells of tables, rows of databases."""

import gzip
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from components.core import MachineFault

BLOCK, OVERLAP = 32 * 2**20, 2**16
"""Files are read in blocks of so many bytes; a subject longer than the overlap could be missed at a seam."""
SQLITE = b"SQLite format 3\0"
WAIT = 10.0
"""Seconds that a database in use is waited for."""
Cell = tuple[str, int, str, str]
"""(table, rowid, column, text)"""


def contents(path: Path) -> Iterator[bytes]:
    """The content of a file, and of what is packed in it (zip and its kin, gzip, Parquet, PDF), block by block.

    Raises MachineFault for a packed file that cannot be unpacked: nobody could say that it holds nothing.
    """
    with path.open("rb") as file:
        yield from _blocks(file)
    try:
        yield from _unpacked(path)
    except (ValueError, OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        reason = str(error) or type(error).__name__
        raise MachineFault(f"{path}: cannot be unpacked, so what it holds is not known ({reason}). Remove it") from error


def _unpacked(path: Path) -> Iterator[bytes]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    yield from _blocks(member)
    elif path.suffix == ".gz":
        with gzip.open(path) as packed:
            yield from _blocks(packed)
    elif path.suffix == ".pdf":
        yield _pdf(path)
    elif path.suffix == ".parquet":
        from pyarrow import parquet

        with parquet.ParquetFile(path) as table:
            for batch in table.iter_batches():
                yield json.dumps(batch.to_pylist(), ensure_ascii=False, default=str).encode()


def table_texts(folder: Path) -> Iterator[bytes]:
    """The texts of a LanceDB table (a folder `<name>.lance`), which are packed on disk."""
    import lancedb

    table = lancedb.connect(folder.parent).open_table(folder.stem).to_arrow()
    for name in table.column_names:
        if str(table.schema.field(name).type) in ("string", "large_string"):
            yield "\n".join(filter(None, table[name].to_pylist())).encode()


def is_database(path: Path) -> bool:
    """Whether it is a SQLite database."""
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def cells(path: Path) -> Iterator[Cell]:
    """Every text in every table of a SQLite database, also what other connections have committed to its log."""
    with closing(connect(path)) as database, in_use(path):
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'").fetchall()]
        for table in tables:
            rows = database.execute(f'select rowid as "_row_", * from "{table}"')
            columns = [column[0] for column in rows.description[1:]]
            for row in rows:
                for column, value in zip(columns, row[1:], strict=True):
                    if isinstance(value, (str, bytes)) and value:
                        yield table, row[0], column, value if isinstance(value, str) else value.decode(errors="replace")


def connect(path: Path) -> sqlite3.Connection:
    """A connection that overwrites what it deletes. Raises MachineFault where another process holds the database."""
    database = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    with in_use(path):
        database.execute("pragma secure_delete = on")
        database.execute("pragma foreign_keys = on")
    return database


def compact(database: sqlite3.Connection, path: Path) -> None:
    """Leave no deleted content behind: neither in free pages nor in the log beside the database."""
    with in_use(path):
        database.execute("vacuum")
        (blocked, *_) = database.execute("pragma wal_checkpoint(truncate)").fetchone()
    if blocked:
        raise busy(path, "a reader holds its log")


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Raises MachineFault where another process holds the database."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        raise busy(path, error) from error


def busy(path: Path, reason: object) -> MachineFault:
    """What to do where a database cannot be cleaned now."""
    return MachineFault(f"{path}: in use ({reason}). Stop what uses it (`ninefold ui`, `ninefold stop`), then repeat")


def _pdf(path: Path) -> bytes:
    """The words of a card as PDF, whose pages are packed."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        return "\n".join(page.extract_text() for page in PdfReader(path).pages).encode(errors="replace")
    except PyPdfError as error:
        raise ValueError(str(error)) from error


def _blocks(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    tail = b""
    while block := file.read(BLOCK):
        yield tail + block
        tail = block[-OVERLAP:]
