"""Prompting methods, one small file each, found by listing this folder: `build(elements, examples) -> Prompt`."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from components.core import Prompt

from ..elements import Elements, Example

Build = Callable[[Elements, list[Example]], Prompt]

METHODS: dict[str, Build] = {
    path.stem: import_module(f".{path.stem}", __package__).build
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
}
