"""CSV with a head of column names, in UTF-8."""

import csv
from collections.abc import Iterator
from pathlib import Path

from components.core import BadInput, Source

SUFFIXES = (".csv",)


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(line on which the row ends, columns)."""
    csv.field_size_limit(10_000_000)  # whole documents stand in one field; the default stops at 131,072 characters
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            names = [name for name in reader.fieldnames or [] if name]  # spreadsheets leave columns without a name behind
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise BadInput(
                    f"{path}, line {reader.line_num}: two columns have the same name ({', '.join(twice)}); rename one"
                )
            for row in reader:
                if None in row or None in row.values():
                    raise BadInput(
                        f"{path}, line {reader.line_num}: expected {len(reader.fieldnames or [])} columns "
                        f"({', '.join(reader.fieldnames or [])}), found another number. Quote texts that hold commas"
                    )
                yield reader.line_num, dict(row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadInput(f"{path}, line {reader.line_num + 1}: not valid CSV in UTF-8 ({error})") from error
