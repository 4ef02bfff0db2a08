"""Plain text: one document, titled by its file's name."""

from collections.abc import Iterator
from pathlib import Path

from components.core import Source

from ..decode import decoded, document

SUFFIXES = (".txt", ".text")
UNIT = "document"


def rows(path: Path, source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """The document; raises Unreadable."""
    yield 1, document(decoded(path), path.stem)
