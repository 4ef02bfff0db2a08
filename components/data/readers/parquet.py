"""Parquet: a row is a row, a column a field."""

from collections.abc import Iterator
from pathlib import Path

from components.core import BadInput, Source

from .table import plain

SUFFIXES = (".parquet",)
UNIT = "line"


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(number of the row, columns). Raises BadInput, with the column, for what is no Parquet file or cannot be taken out."""
    from pyarrow import ArrowException, parquet

    name = ""
    columns: dict[str, list[object]] = {}
    with path.open("rb") as file:
        try:
            table = parquet.ParquetFile(file).read()
            for name in table.column_names:  # text that is no UTF-8, and times beyond the calendar, show only here
                if table.column_names.count(name) > 1:
                    raise ValueError("two columns have this name; rename one")
                values = table[name].to_pylist()
                columns[name] = [value if isinstance(value, (list, dict)) else plain(value) for value in values]
        except (ArrowException, OSError, ValueError, OverflowError) as error:
            where = f"column '{name}': " if name else ""
            raise BadInput(f"{path}: not a readable Parquet file ({where}{error})") from error
    yield from enumerate((dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)), 1)
