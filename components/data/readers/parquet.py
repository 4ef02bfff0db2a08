"""Parquet: a row is a row, a column a field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.core import BadInput, Source

SUFFIXES = (".parquet",)


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number of the row, columns)."""
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise BadInput(f"{path}: not a readable Parquet file ({error})") from error
    yield from enumerate(table.to_pylist(), 1)
