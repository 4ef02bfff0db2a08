"""Bytes of a file as text, or the reason why they are none."""

import re
from pathlib import Path

from components.core import BadInput


class Unreadable(ValueError):
    """One document cannot be read; the others can. The text is the reason, without the file's name."""


def decoded(path: Path) -> str:
    """The text of a UTF-8 file (a byte-order mark is dropped), or of a UTF-16 file that begins with one.

    Raises Unreadable for other encodings, for binary content and for a file that the machine does not hand out.
    """
    return _text(content(path))


def decoded_rows(path: Path) -> str:
    """The same of a file that holds many rows: BadInput for its encoding, since a folder may set one document aside, and not
    all the rows of a file as if they were one."""
    data = content(path)
    try:
        return _text(data)
    except Unreadable as error:
        raise BadInput(f"{path}: {error}") from error


def _text(data: bytes) -> str:
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        if b"\0" in data:
            raise Unreadable("it is binary (it holds zero bytes)")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise Unreadable(f"it is not {error.encoding.upper()} text (byte {error.start}); save it as UTF-8") from error
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"it is not UTF-8 text (line {line}); save it as UTF-8{_as_windows(data, error.start)}") from error


def _as_windows(data: bytes, at: int) -> str:
    """The word at a byte as Windows-1252, which spreadsheets write, for a person to judge: any bytes can be read so."""
    before = re.split(rb"[\s,;]", data[max(0, at - 30) : at])[-1]
    behind = re.split(rb"[\s,;]", data[at : at + 30])[0]
    try:
        word = (before + behind).decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return f"; as Windows-1252 it reads '{word}': if that is right, convert it with `iconv -f WINDOWS-1252 -t UTF-8`"


def content(path: Path) -> bytes:
    """The bytes of a file; raises Unreadable with the machine's reason."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"it cannot be read ({error.strerror})") from error


def document(text: str, title: str) -> dict[str, object]:
    """The fields of a document; raises Unreadable for one without text."""
    if not text.strip():
        raise Unreadable("it holds no text")
    return {"passage": text, "title": " ".join(title.split())}
