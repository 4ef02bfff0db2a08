"""Formats of sources, one small file each, found by listing this folder.

Each has

    SUFFIXES             endings of file names that mean it
    UNIT                 what one of its rows is: the `line` of a file that holds rows with fields; `document`, `page`,
                         `section` or `chapter` of a text, which is a passage without a question
    rows(path, source)   yields (number of the unit, counted from 1; fields)

Raises BadInput, with file and line, for a file of rows whose structure is broken, and Unreadable for a text that cannot be
read; the fields of a text are those of `document`.
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
UNITS: dict[str, str] = {name: module.UNIT for name, module in _MODULES.items()}
DOCUMENTS = tuple(name for name, unit in UNITS.items() if unit != "line")
"""Formats whose files are texts: passages without questions."""
