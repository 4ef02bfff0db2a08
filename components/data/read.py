"""Reads one source (JSONL, CSV, Parquet) into records with our field names.

What breaks the file's structure (a line that is no JSON object, a CSV row of another width, a mapped field that no row has)
is answered at once with file and line. What is wrong with a single value becomes None here, for the gate to find.
"""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core import BadInput, Source, Task

ALIASES = {
    "text": ("question", "text", "document"),
    "answer": ("answer", "label", "summary"),
    "passage": ("passage",),
    "title": ("title",),
}
REQUIRED = {
    "examples": ("text", "answer"),
    "knowledge": ("passage",),
    "examples_and_knowledge": ("text", "answer", "passage"),
    "practice": ("text", "answer", "passage"),
}
OPTIONAL = {"examples": ("passage",), "knowledge": ("title",), "examples_and_knowledge": ("title",), "practice": ()}


@dataclass(frozen=True)
class Record:
    """One row of a file: stripped text, or None where the value is missing or is not text. line: counted from 1."""

    line: int
    text: str | None = None
    answer: str | None = None
    passage: str | None = None
    title: str | None = None


def read_source(source: Source, number: int, path: Path, task: Task) -> list[Record]:
    """The records of `path`, with `source.fields` and `source.values` applied.

    number: the source's place in the contract, for messages. Raises BadInput for an empty or malformed file.
    """
    rows = list({"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}[source.format](path))
    if not rows:
        raise BadInput(f"{path}: the file is empty (data.sources.{number}, '{source.name}'): it must hold at least one row")
    columns = _columns(source, number, path, rows, task)
    records = []
    for line, row in rows:
        if source.role == "practice":
            row = row | {columns["answer"]: _one_of(row.get(columns["answer"]), str(row.get(columns["passage"])))}
        values = {ours: _text(row.get(theirs)) for ours, theirs in columns.items()}
        if "answer" in values:
            values["answer"] = source.values.get(values["answer"] or "", values["answer"])
        records.append(Record(line, **values))
    return records


def _columns(source: Source, number: int, path: Path, rows: list[tuple[int, dict[str, Any]]], task: Task) -> dict[str, str]:
    """Our field → the file's column, from the contract's mapping or, where it says nothing, by the usual names."""
    known = [alias for aliases in ALIASES.values() for alias in aliases]
    for field in source.fields:
        if field not in known:
            raise BadInput(f"data.sources.{number}.fields: key '{field}' is not known; allowed: {', '.join(known)}")
    there = {column for _, row in rows for column in row}
    columns = {}
    for ours in (*REQUIRED[source.role], *OPTIONAL[source.role]):
        mapped = next((source.fields[alias] for alias in ALIASES[ours] if alias in source.fields), None)
        found = mapped or next((alias for alias in ALIASES[ours] if alias in there), None)
        if found in there:
            columns[ours] = str(found)
        elif mapped or ours in REQUIRED[source.role]:
            wanted = f"'{mapped}'" if mapped else " or ".join(f"'{alias}'" for alias in ALIASES[ours])
            raise BadInput(
                f"{path}: no row has the field {wanted}; found: {', '.join(sorted(map(str, there)))}. Name the file's field "
                f"under data.sources.{number}.fields, as in `{_usual(ours, task)}: <field of the file>`"
            )
    return columns


def _usual(ours: str, task: Task) -> str:
    """The alias that this kind of task speaks of."""
    place = {"question_answering": 0, "classification": 1, "summarization": 2}[task.kind]
    return ALIASES[ours][min(place, len(ALIASES[ours]) - 1)]


def _one_of(value: Any, passage: str) -> Any:
    """practice: of a list of equally good answers the first that stands in the passage, else the first of all."""
    if not isinstance(value, list):
        return value
    texts = [text.strip().rstrip(".") for text in value if isinstance(text, str) and text.strip()]
    standing = (text for text in texts if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", passage, re.IGNORECASE))
    return next(standing, texts[0] if texts else None)


def _text(value: Any) -> str | None:
    """The value as stripped text; None for what is empty, nested, or not encodable (lone surrogates)."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        whole = isinstance(value, float) and value.is_integer()
        return None if value != value else str(int(value)) if whole else str(value)
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value.strip() or None


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, raw in enumerate(path.read_bytes().split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw.decode("utf-8-sig" if line == 1 else "utf-8"))
        except (ValueError, RecursionError) as error:
            reason = str(error) or "nested too deeply"
            raise BadInput(f"{path}, line {line}: not valid JSON ({reason}). Correct or remove the line") from error
        if not isinstance(row, dict):
            raise BadInput(f'{path}, line {line}: expected an object like {{"text": …}}, found {type(row).__name__}')
        yield line, row


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(10_000_000)  # whole documents stand in one field; the default stops at 131,072 characters
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise BadInput(
                        f"{path}, line {reader.line_num}: expected {len(reader.fieldnames or [])} columns "
                        f"({', '.join(reader.fieldnames or [])}), found another number. Quote texts that hold commas"
                    )
                yield reader.line_num, dict(row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadInput(f"{path}, line {reader.line_num + 1}: not valid CSV in UTF-8 ({error})") from error


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise BadInput(f"{path}: not a readable Parquet file ({error})") from error
    yield from enumerate(table.to_pylist(), 1)
