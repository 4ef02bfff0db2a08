"""A table or view of a database, by its SQLAlchemy URL: `sqlite:///support.db`, `postgresql+psycopg://reader@host/base`.

Tried with SQLite, whose file is opened for reading only, and with PostgreSQL 15. A server needs its driver's package
(psycopg, PyMySQL …) and a user that may read; its password never stands in the URL, since contracts are kept and shown: the
driver finds it in its own place (PGPASSWORD or ~/.pgpass, ~/.my.cnf).
"""

import sqlite3
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from components.core import BadInput, MachineFault, MissingPackage, Source
from components.core.address import holds_secret, without_secrets

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement
    from sqlalchemy.engine import Engine

SUFFIXES = ()
UNIT = "line"


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(number of the row, columns), in the order of the primary key, or of all columns where there is none.

    path: the folder in which a relative SQLite path starts. Raises BadInput for a URL or a table that is not acceptable,
    MissingPackage for a driver, MachineFault for a server that does not answer.
    """
    from sqlalchemy import MetaData, Table, inspect, select, type_coerce
    from sqlalchemy.exc import DatabaseError, NoSuchTableError, OperationalError
    from sqlalchemy.types import Boolean, NullType

    engine = _engine(path, source)
    where = f"table '{source.table}' of {without_secrets(engine.url.render_as_string())}"
    schema, _, name = (source.table or "").rpartition(".")
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            table = Table(name, MetaData(), schema=schema or None, autoload_with=connection)
            order: list[ColumnElement] = list(table.primary_key.columns) or [_in_order(column) for column in table.columns]
            columns: list[ColumnElement] = list(table.columns)
            if (
                engine.dialect.name == "sqlite"
            ):  # its types bind nobody: a DATE may hold any text, which is taken as it stands
                columns = [
                    column if isinstance(column.type, Boolean) else type_coerce(column, NullType()).label(column.name)
                    for column in columns
                ]
            for number, row in enumerate(connection.execute(select(*columns).order_by(*order)).mappings(), 1):
                yield number, {column: plain(value) for column, value in row.items()}
    except NoSuchTableError as error:
        there = ", ".join(sorted(inspect(engine).get_table_names(schema=schema or None))) or "none"
        raise BadInput(f"{where}: no such table; there are: {there}") from error
    except OperationalError as error:
        kind = BadInput if engine.dialect.name == "sqlite" else MachineFault
        raise kind(f"{where}: cannot be read ({error.orig})") from error
    except DatabaseError as error:
        raise BadInput(f"{where}: cannot be read ({error.orig})") from error
    finally:
        engine.dispose()


def _engine(folder: Path, source: Source) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(source.path)
        if holds_secret(source.path):
            raise BadInput(
                f"source '{source.name}': its URL holds a password, which would be kept with every run. Give it in the "
                "driver's own place instead (PGPASSWORD, ~/.pgpass, ~/.my.cnf)"
            )
        if url.get_backend_name() != "sqlite":
            return create_engine(url)
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadInput(
            f"source '{source.name}': '{without_secrets(source.path)}' is no SQLAlchemy URL of a known database; give one "
            "such as `sqlite:///support.db` or `postgresql+psycopg://reader@host/base`"
        ) from error
    except ModuleNotFoundError as error:
        raise MissingPackage(error.name or "of the driver", f"source '{source.name}'") from error
    file = folder / (url.database or "")
    if not file.is_file():
        raise BadInput(f"source '{source.name}': {file}: no such SQLite file. Give `sqlite:///<path>`")
    # Read only: SQLite makes a missing file, and a reader must never change what it reads.
    address = f"file:{quote(str(file.absolute()))}?mode=ro"
    return create_engine(url, creator=lambda: sqlite3.connect(address, uri=True))


def _in_order(column: "Column") -> "ColumnElement":
    """The column, or its text where PostgreSQL knows no order of such values (json, point)."""
    from sqlalchemy import JSON, Text, cast
    from sqlalchemy.types import NullType

    return cast(column, Text) if isinstance(column.type, (JSON, NullType)) else column


def plain(value: object) -> str | int | float | bool | None:
    """Times and exact numbers as text; what is neither text nor number as None, for the gate to find."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) else None
