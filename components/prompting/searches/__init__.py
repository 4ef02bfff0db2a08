"""Searches for demonstrations and wordings, one file each, found by listing this folder. A file defines

PACKAGES                distributions that it needs
WRITES                  whether it can ask a model for wordings (`Space.writer`)
search(space) -> Draft  the best draft that it found for at most `space.budget` calls of the model; nothing random but by
                        `space.seed`. It may add to `space.wordings` and `space.notes`
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from components.core.variants import known, require

from ..drafts import Draft
from ..space import Space

SEARCHES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("PACKAGES", "WRITES", "search")


class Search(Protocol):
    """A file of this folder."""

    PACKAGES: tuple[str, ...]
    WRITES: bool

    def search(self, space: Space) -> Draft: ...


def search_named(name: str) -> Search:
    """The file `name`. Raises BadInput where there is none, MissingPackage where it cannot run here."""
    known(name, SEARCHES, "search.by", "prompting")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"prompting.search.by '{name}'")
    return cast(Search, module)
