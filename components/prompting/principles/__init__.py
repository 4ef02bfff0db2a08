"""Elements that a prompt may have beside the eight, one small file each, found by listing this folder.

`add(elements, task, rows) -> Elements`: `elements` and one more, or as they are where it would say nothing. rows: those of
training. They are the principles of prompting: marks around material, the form of an answer shown, conditions checked, time
to think, limits, focus.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from components.core import Row, Task

from ..elements import Elements

Add = Callable[[Elements, Task, Sequence[Row]], Elements]

PRINCIPLES: dict[str, Add] = {
    path.stem: import_module(f".{path.stem}", __package__).add
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
}
