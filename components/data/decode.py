"""Bytes of a document as text, or the reason why they are none."""

from pathlib import Path


class Unreadable(ValueError):
    """One document cannot be read; the others can. The text is the reason, without the file's name."""


def decoded(path: Path) -> str:
    """The text of a UTF-8 file (a byte-order mark is dropped), or of a UTF-16 file that begins with one.

    Raises Unreadable for other encodings, for binary content and for a file that the machine does not hand out.
    """
    data = content(path)
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        if b"\0" in data:
            raise Unreadable("it is binary (it holds zero bytes)")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not {error.encoding.upper()} text (byte {error.start}); save it as UTF-8") from error


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
