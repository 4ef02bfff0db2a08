"""CSV with a head of column names; commas, semicolons, tabs or bars between columns; in UTF-8, or in UTF-16 with its mark.

The separator is the one by which the head has several columns and every row as many. A spreadsheet's first line `sep=;` is
followed. Not covered: other encodings, which are named and not guessed.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from components.core import BadInput, Source

from ..decode import decoded_rows

SUFFIXES = (".csv", ".tsv", ".tab")
UNIT = "line"
_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_FORMS: tuple[tuple[str, Literal[0, 3]], ...] = (
    *((separator, csv.QUOTE_MINIMAL) for separator in _WORDS),
    ("\t", csv.QUOTE_NONE),  # many published .tsv files hold bare quotes
)
_NAMED = re.compile(r"sep=([,;\t|])\r?\n")


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(line on which the row ends, columns)."""
    csv.field_size_limit(10_000_000)  # whole documents stand in one field; the default stops at 131,072 characters
    text, before = decoded_rows(path), 0
    separator, quoting = _form(text)
    if named := _NAMED.match(text):
        text, before = text[named.end() :], 1
        separator, quoting = named.group(1), csv.QUOTE_MINIMAL
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=separator, quoting=quoting)
    try:
        names = [name for name in reader.fieldnames or [] if name]  # spreadsheets leave columns without a name behind
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(
                f"{path}, line {reader.line_num + before}: two columns have the same name ({', '.join(twice)}); rename one"
            )
        for row in reader:
            if None in row or None in row.values():
                columns = reader.fieldnames or []
                raise BadInput(
                    f"{path}, line {reader.line_num + before}: expected {len(columns)} columns ({', '.join(columns)}), "
                    f"found another number. Quote texts that hold {_WORDS[separator]}"
                )
            yield reader.line_num + before, dict(row)
    except csv.Error as error:
        line, word = reader.line_num + before + 1, _WORDS[separator]
        raise BadInput(f"{path}, line {line}: not valid CSV, its columns between {word} ({error})") from error


def _form(text: str) -> tuple[str, Literal[0, 3]]:
    """(separator, quoting) of the file; commas where no separator gives the head several columns."""
    several = [form for form in _FORMS if next(_widths(text, *form), 0) > 1]
    if len(several) < 2:
        return (several or _FORMS)[0]
    return next((form for form in several if len(set(_widths(text, *form))) == 1), several[0])


def _widths(text: str, separator: str, quoting: Literal[0, 3]) -> Iterator[int]:
    """How many columns each row has; 0, and no further row, where it cannot be read so."""
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator, quoting=quoting):
            if row:
                yield len(row)
    except csv.Error:
        yield 0
