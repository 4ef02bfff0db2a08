"""Generators of synthetic rows, one small file each, found by listing this folder.

A file has `KIND`, the kind of task that it makes rows for, and `drafts(passage) -> list[Draft]`: what it can make of one
passage, in the order of the text, before any filter; and `ENGLISH_ONLY = True` where it writes no other language.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol

from components.core import BadInput, Synthetic, Task
from components.text import is_english

from .draft import Draft


class Generator(Protocol):
    """What a file defines."""

    KIND: str

    def drafts(self, passage: str) -> list[Draft]: ...


GENERATORS: dict[str, Generator] = {
    path.stem: import_module(f".{path.stem}", __package__)
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "draft")
}


def generator(asked: Synthetic, task: Task) -> Generator:
    """The generator that the contract names; raises BadInput where it is not known or makes no rows for this task."""
    fitting = [name for name, one in GENERATORS.items() if task.kind == one.KIND]
    if not fitting:
        kinds = ", ".join(f"{one.KIND} ({name})" for name, one in GENERATORS.items())
        raise BadInput(
            f"data.synthetic: no generator makes rows for {task.kind}; there are some for {kinds}. Remove the key"
        )
    if asked.generator not in fitting:
        raise BadInput(
            f"data.synthetic.generator: '{asked.generator}' makes no rows for {task.kind}; allowed: {', '.join(fitting)}"
        )
    chosen = GENERATORS[asked.generator]
    if getattr(chosen, "ENGLISH_ONLY", False) and not is_english(task.language):
        raise BadInput(
            f"data.synthetic.generator: '{asked.generator}' writes English questions, and task.language is "
            f"'{task.language}'. Remove the key data.synthetic"
        )
    return chosen
