"""What the contract tests need of a store that keeps forms: a file `tests/application/stores/<name>.py`.

served(folder) -> context manager of dict[str, str]     (optional)
    Starts what the store needs and stops it; gives the environment variables that say where it is.
TEARS: tuple of functions (index, derived) -> None
    Ways to damage a form, each of which the next opening must notice.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from components.application.stores import NAMES


def beside(name: str) -> ModuleType | None:
    """What the tests know of a store."""
    return import_module(f".{name}", __package__) if find_spec(f".{name}", __package__) else None


@contextmanager
def all_served(folder: Path) -> Iterator[None]:
    """Everything that any store needs is up, and the environment says where."""
    with ExitStack() as stack:
        for name in NAMES:
            if served := getattr(beside(name), "served", None):
                stack.enter_context(patch.dict(os.environ, stack.enter_context(served(folder / name))))
        yield
