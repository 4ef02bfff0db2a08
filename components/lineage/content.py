"""What lies in a file, as bytes to search: whole files, members of archives, cells of tables, rows of databases."""

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from components.core import MachineFault

BLOCK, OVERLAP = 32 * 2**20, 2**16
"""Files are read in blocks of so many bytes; a subject longer than the overlap could be missed at a seam."""
SQLITE = b"SQLite format 3\0"
Cell = tuple[str, int, str, str]
"""(table, rowid, column, text)"""


def contents(path: Path) -> Iterator[bytes]:
    """The content of a file, and of what is packed in it (zip and its kin, gzip, Parquet, PDF)."""
    yield from _blocks(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())
    elif path.suffix == ".pdf":
        yield _pdf(path)
    elif path.suffix == ".parquet":
        from pyarrow import parquet

        yield json.dumps(parquet.read_table(path).to_pylist(), ensure_ascii=False, default=str).encode()


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
    with closing(connect(path)) as database:
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
    database = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        database.execute("pragma secure_delete = on")
        database.execute("pragma foreign_keys = on")
    except sqlite3.OperationalError as error:
        raise busy(path, error) from error
    return database


def compact(database: sqlite3.Connection, path: Path) -> None:
    """Leave no deleted content behind: neither in free pages nor in the log beside the database."""
    try:
        database.execute("vacuum")
        (blocked, *_) = database.execute("pragma wal_checkpoint(truncate)").fetchone()
    except sqlite3.OperationalError as error:
        raise busy(path, error) from error
    if blocked:
        raise busy(path, "a reader holds its log")


def busy(path: Path, reason: Any) -> MachineFault:
    """What to do where a database cannot be cleaned now."""
    return MachineFault(f"{path}: in use ({reason}). Stop what uses it (`ninefold ui`, `ninefold stop`), then repeat")


def _pdf(path: Path) -> bytes:
    """The words of a card as PDF, whose pages are packed; nothing where it is none."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        return "\n".join(page.extract_text() for page in PdfReader(path).pages).encode(errors="replace")
    except PyPdfError:
        return b""


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        tail = b""
        while block := file.read(BLOCK):
            yield tail + block
            tail = block[-OVERLAP:]
