"""A table or view of a DuckDB file: `path: support.duckdb`, `table: faq`.

The file is opened for reading only. A view is a query that a stranger may have written: it reads no other file, loads no
extension and takes no more memory than `MEMORY`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import BadInput, MissingPackage, Source

from .table import plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SUFFIXES = (".duckdb",)
UNIT = "line"
MEMORY = "2GB"
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
    "memory_limit": MEMORY,
    "temp_directory": "",  # it would write beside the file what memory does not hold
}


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(number of the row, columns), in the order of the primary key, or of all columns where there is none.

    Raises BadInput for a table that is not there and a file that is no DuckDB, MissingPackage without the library.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise MissingPackage("duckdb", f"source '{source.name}'") from error
    schema, _, name = (source.table or "").rpartition(".")
    where = f"table '{source.table}' of {path}"
    try:
        with duckdb.connect(str(path), read_only=True, config=_CLOSED) as base:
            there = base.execute("select table_schema, table_name from information_schema.tables order by all").fetchall()
            if (schema or "main", name) not in there:
                names = ", ".join(one if of == "main" else f"{of}.{one}" for of, one in there) or "none"
                raise BadInput(f"{where}: no such table; there are: {names}. Name one as `table`")
            found = base.execute(
                f"select * from {_quoted(schema or 'main')}.{_quoted(name)} order by {_key(base, schema, name)}"
            )
            columns = [one[0] for one in found.description or ()]
            for number, row in enumerate(iter(found.fetchone, None), 1):
                yield number, dict(zip(columns, map(_value, row or ()), strict=True))
    except duckdb.Error as error:
        raise BadInput(f"{where}: cannot be read ({str(error).splitlines()[0]})") from error


def _key(base: "DuckDBPyConnection", schema: str, name: str) -> str:
    """What rows are ordered by."""
    keys = base.execute(
        "select constraint_column_names from duckdb_constraints() "
        "where schema_name = ? and table_name = ? and constraint_type = 'PRIMARY KEY'",
        [schema or "main", name],
    ).fetchone()
    return ", ".join(map(_quoted, keys[0])) if keys else "all"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(value: object) -> object:
    return value if isinstance(value, (list, dict)) else plain(value)
