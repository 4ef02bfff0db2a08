"""Formats of sources, one small file each, found by listing this folder.

Each has `SUFFIXES`, the endings of file names that mean it, and `rows(path, source)`, which yields (line, fields) and raises
BadInput, with file and line, for a file whose structure is broken. A document (text, Markdown, HTML) is one row with the
fields of `document`; one that cannot be read raises Unreadable.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from components.core import Source

Rows = Callable[[Path, Source], Iterator[tuple[int, dict[str, object]]]]

_MODULES = {
    path.stem: import_module(f".{path.stem}", __package__)
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
}
READERS: dict[str, Rows] = {name: module.rows for name, module in _MODULES.items()}
SUFFIXES: dict[str, str] = {suffix: name for name, module in _MODULES.items() for suffix in module.SUFFIXES}
"""Ending of a file's name → format."""
DOCUMENTS = ("text", "markdown", "html")
"""Formats whose files are one document each: passages without questions."""
