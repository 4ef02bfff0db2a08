"""The first rows of every source, read as the data stage will read them, so that a run can refuse them before it starts.

What is wrong with the first rows is settled by all rows of that source: a field may stand in later rows only, and the gate
counts bad rows over the whole source. So nothing is refused here that the data stage would take. Not covered: duplicates,
leaks and curation, which need every row.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from components.core import BadInput, Data, Source, Task, Workspace

from .gate import Gate, refusal
from .locate import find
from .read import Record, read_source, required_fields

HEAD = 200
"""Rows that are looked at of each source."""


@dataclass(frozen=True)
class Seen:
    """What was read of a source. whole: whether these are all of its rows. size: bytes of its files; 0 for a table."""

    source: Source
    records: list[Record]
    whole: bool
    size: int = 0


def first_rows(
    task: Task, data: Data, folder: Path, workspace: Workspace, max_characters: int, examples: int = HEAD
) -> list[Seen]:
    """The first rows of each source: HEAD of them, of example rows at least `examples`.

    folder: where the use case's YAML lies. Raises BadInput, as the data stage does, for what cannot be read and for a field
    that no row has; and with the gate's own sentence where it would stop the run, for a wrong label say.
    """
    seen, refused = [], []
    for number, source in enumerate(data.sources):
        path = find(data, number, folder, workspace)
        at_most = max(HEAD, examples) if "examples" in source.role else HEAD
        try:
            records = read_source(source, number, path, task, at_most)
        except BadInput:
            records = read_source(source, number, path, task)
        seen.append(Seen(source, records, len(records) < at_most, _size(path, source)))
        bad = sum(_looks_bad(record, source, task, max_characters) for record in records)
        if bad > data.quarantine_at_most * len(records):
            records = read_source(source, number, path, task)
            with tempfile.TemporaryDirectory() as docs:
                refused += Gate(Path(docs)).check(source, records, task, data, max_characters).of(source)
    if refused:
        raise BadInput(refusal(refused, data))
    return seen


def _size(path: Path, source: Source) -> int:
    if source.format == "table":
        return 0
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size


def _looks_bad(record: Record, source: Source, task: Task, max_characters: int) -> bool:
    """Whether the gate should look at it: only that says what is bad."""
    required = required_fields(source, task)
    values = [getattr(record, field) for field in required]
    unknown = task.labels and "answer" in required and record.answer not in task.labels
    return bool(record.fault or unknown or None in values or max(map(len, filter(None, values)), default=0) > max_characters)
