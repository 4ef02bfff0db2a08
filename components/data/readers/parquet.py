"""Parquet: a row is a row, a column a field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.core import BadInput, Source

from .table import plain

SUFFIXES = (".parquet",)


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number of the row, columns). Raises BadInput, with the column, for what cannot be read."""
    from pyarrow import ArrowException, parquet

    name = ""
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read()
        names = table.column_names
        if twice := sorted({one for one in names if names.count(one) > 1}):
            raise BadInput(f"{path}: two columns have the same name ({', '.join(twice)}); rename one")
        columns = {}
        for name in names:  # text that is no UTF-8, and times beyond the calendar, show only when they are taken out
            columns[name] = [value if isinstance(value, list) else plain(value) for value in table[name].to_pylist()]
    except BadInput:
        raise
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        where = f"column '{name}': " if name else ""
        raise BadInput(f"{path}: not a readable Parquet file ({where}{error})") from error
    yield from enumerate((dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)), 1)
