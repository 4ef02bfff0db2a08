"""JSON: objects, one a line (JSONL) or over several; one array of them; or one object that holds them (SQuAD's, `data`)."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from components.core import BadInput, Source

from ..decode import decoded_rows
from ..shapes import rows_inside

SUFFIXES = (".jsonl", ".ndjson", ".json")
UNIT = "line"


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """(line that the object begins on, object); empty lines are passed over. Objects that share a line, or stand inside one
    object, are numbered instead."""
    text = decoded_rows(path)
    start = text.lstrip()
    if start.startswith("["):
        members = list(_members(path, text))
    elif _spans_lines(start.split("\n", 1)[0].rstrip()):
        members = list(_objects(path, text))
    else:
        lines = _lines(path, text)
        members = list(islice(lines, 2))
        if len(members) == 2:  # rows, one a line: whoever wants the first ones need not wait for the last
            for line, row in chain(members, lines):
                yield line, _object(path, line, row)
            return
    if len(members) == 1 and isinstance(whole := members[0][1], dict):
        try:
            members = list(enumerate(inside, 1)) if (inside := rows_inside(whole)) is not None else members
        except ValueError as error:
            raise BadInput(f"{path}: {error}") from error
    if len({line for line, _ in members}) < len(members):  # the gate names, and sets aside, rows by their line
        members = list(enumerate((row for _, row in members), 1))
    for line, row in members:
        yield line, _object(path, line, row)


def _object(path: Path, line: int, row: object) -> dict[str, object]:
    if not isinstance(row, dict):
        raise BadInput(f'{path}, line {line}: expected an object like {{"text": …}}, found {type(row).__name__}')
    return row


def _spans_lines(first: str) -> bool:
    """Whether the first line begins an object that ends on a later one, or holds several; not a line that is just broken."""
    try:
        json.loads(first)
    except json.JSONDecodeError as error:
        return error.msg == "Extra data" or error.pos >= len(first) > 0
    except (ValueError, RecursionError):  # a number too long, an object too deep
        return False
    return False


def _lines(path: Path, text: str) -> Iterator[tuple[int, object]]:
    for line, raw in enumerate(text.split("\n"), 1):
        if raw.strip():
            try:
                row = json.loads(raw)
            except (ValueError, RecursionError) as error:
                raise _broken(path, line, error, ". Correct or remove the line") from error
            yield line, row


def _objects(path: Path, text: str) -> Iterator[tuple[int, object]]:
    """Objects one after the other, each over as many lines as it takes."""
    line, before = 1, 0
    at = _after_space(text, 0)
    try:
        while at < len(text):
            line, before = line + text.count("\n", before, at), at
            row, at = json.JSONDecoder().raw_decode(text, at)
            yield line, row
            at = _after_space(text, at)
    except (ValueError, RecursionError) as error:
        raise _broken(path, getattr(error, "lineno", line), error) from error


def _members(path: Path, text: str) -> Iterator[tuple[int, object]]:
    """Members of an array, one by one: read whole it would not tell on which line each begins."""
    line, before = 1, 0
    try:
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


def _broken(path: Path, line: int, error: Exception, advice: str = "") -> BadInput:
    reason = str(error) or "nested too deeply"
    return BadInput(f"{path}, line {line}: not valid JSON ({reason}){advice}")
