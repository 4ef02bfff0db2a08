"""JSON: one object a line (JSONL), or one array of objects over the whole file."""

import json
from collections.abc import Iterator
from pathlib import Path

from components.core import BadInput, Source

SUFFIXES = (".jsonl", ".ndjson", ".json")


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(line that the object begins on, object); empty lines are passed over."""
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    for line, row in _members(path, content) if content.lstrip().startswith(b"[") else _lines(path, content):
        if not isinstance(row, dict):
            raise BadInput(f'{path}, line {line}: expected an object like {{"text": …}}, found {type(row).__name__}')
        yield line, row


def _lines(path: Path, content: bytes) -> Iterator[tuple[int, object]]:
    for line, raw in enumerate(content.split(b"\n"), 1):
        if raw.strip():
            try:
                row = json.loads(raw.decode())
            except (ValueError, RecursionError) as error:
                raise _broken(path, line, error) from error
            yield line, row


def _members(path: Path, content: bytes) -> Iterator[tuple[int, object]]:
    """Members of an array, one by one: read whole it would not tell on which line each begins."""
    line, before = 1, 0
    try:
        text = content.decode()
        at = _after_space(text, text.index("[") + 1)
        while text[at : at + 1] != "]":
            line, before = line + text.count("\n", before, at), at
            row, at = json.JSONDecoder().raw_decode(text, at)
            yield line, row
            at = _after_space(text, at)
            if text[at : at + 1] == ",":
                at = _after_space(text, at + 1)
                if text[at : at + 1] != "]":
                    continue
            elif text[at : at + 1] == "]":
                break
            raise json.JSONDecodeError("expected ',' and another object, or ']'", text, at)
        if text[at + 1 :].strip():
            raise json.JSONDecodeError("text after the array", text, at + 1)
    except (ValueError, RecursionError) as error:
        raise _broken(path, getattr(error, "lineno", line), error) from error


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _broken(path: Path, line: int, error: Exception) -> BadInput:
    reason = str(error) or "nested too deeply"
    return BadInput(f"{path}, line {line}: not valid JSON ({reason}). Correct or remove the line")
