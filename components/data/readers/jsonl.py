"""JSONL: one object a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.core import BadInput, Source

SUFFIXES = (".jsonl", ".ndjson", ".json")


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object); empty lines are passed over."""
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
