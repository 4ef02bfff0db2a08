"""Vector stores: one file each, found by listing this folder; `open_store` opens the one that `retriever.store` names.

A store keeps a *form* of an index object (chunks.jsonl, vectors.npy): number, passage and vector of each row, no text. A
form is derived: it may be deleted at any time, and what is not the index row for row is built again. A file defines

    PACKAGES: tuple[str, ...]
        Distributions that it needs beside numpy. They are imported late; a missing one is answered with its install line.
    ENVIRONMENT: tuple[str, ...]
        Environment variables that must be set: where a server is, and its password, stand nowhere else.
    class VectorStore
        open(index, derived) -> VectorStore | None          (class method)
            The form of the index object `index`; None where there is none, or where it cannot be read.
        build(index, rows, derived) -> VectorStore          (class method)
            Makes the form, whole or not at all, in place of one that is there. derived: where forms that
            are files lie, as `<store>-<index>`, with anything behind it while they are built.
        rows() -> IndexRows | None
            All rows, ascending by number; None where they cannot be read.
        search(vectors, limit=None) -> list[tuple[numbers, cosines]]
            For each vector the numbers (int64) and cosines (float32) of the nearest `limit` rows (None: of all), exact,
            best first; of cosines that are equal to six digits the lower number comes first.
        add(passages, vectors) -> None
            Rows more, numbered on from the largest number that is there.
        delete(passages) -> None
            The rows of these passages go; the other rows keep their numbers.
        close() -> None
    held(indexes, derived) -> set[str]
        Those of the index objects of which it keeps anything, whole or torn: what `ninefold forget` asks. It does so in
        every workspace, so nothing that this needs may be missing where the store was never used.
    drop(index, derived) -> None
        Deletes all that it keeps of an index; nothing there is no error.

`add` and `delete` change an opened form, which is then no longer its index: the next `open_store` builds it again.
"""

import logging
import re
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from components.core import Store
from components.core.variants import known, require

from ..index_rows import IndexRows

if TYPE_CHECKING:
    import numpy as np

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = (
    "PACKAGES", "ENVIRONMENT", "held", "drop", "VectorStore.open", "VectorStore.build", "VectorStore.rows",
    "VectorStore.search", "VectorStore.add", "VectorStore.delete", "VectorStore.close",
)  # fmt: skip
log = logging.getLogger(__name__)


class Form(Protocol):
    """A store's form of an index: the class `VectorStore` of a file, as described above."""

    @classmethod
    def open(cls, index: str, derived: Path) -> "Form | None": ...

    @classmethod
    def build(cls, index: str, rows: IndexRows, derived: Path) -> "Form": ...

    def rows(self) -> IndexRows | None: ...

    def search(self, vectors: "np.ndarray", limit: int | None = None) -> list[tuple["np.ndarray", "np.ndarray"]]: ...

    def add(self, passages: Collection[str], vectors: "np.ndarray") -> None: ...

    def delete(self, passages: Collection[str]) -> None: ...

    def close(self) -> None: ...


class StoreModule(Protocol):
    """A file of this folder, as described above."""

    PACKAGES: tuple[str, ...]
    ENVIRONMENT: tuple[str, ...]
    VectorStore: type[Form]

    def held(self, indexes: Collection[str], derived: Path) -> set[str]: ...

    def drop(self, index: str, derived: Path) -> None: ...


def vector_store(name: str | None) -> StoreModule:
    """The module of the store `name`. Raises BadInput where there is none, MissingPackage where it cannot run here."""
    known(name, NAMES, "retriever.store")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"store '{name}'")
    return cast(StoreModule, module)


def _module(name: str) -> StoreModule:
    return cast(StoreModule, import_module(f".{name}", __package__))


def forms_held(indexes: Collection[str], derived: Path) -> list[tuple[str, str]]:
    """(store, index object) of every form that any store keeps of `indexes`. Raises MachineFault where a store that has
    kept one cannot be asked."""
    digests = {index for index in indexes if re.fullmatch("[0-9a-f]{64}", index)}
    return [(name, index) for name in NAMES for index in sorted(_module(name).held(digests, derived))]


def is_form(name: str) -> bool:
    """Whether a file or folder of this name in `derived` is some store's, for an index object."""
    return name.startswith(tuple(f"{store}-" for store in NAMES))


def drop_form(name: str, index: str, derived: Path) -> None:
    """Delete all that the store `name` keeps of an index object."""
    _module(name).drop(index, derived)


def open_store(name: str | None, index: str, rows: IndexRows, store: Store) -> Form:
    """The `VectorStore` of the index object `index`, each row the same as in `rows`, which were read from that object."""
    kind = vector_store(name).VectorStore
    form = kind.open(index, store.derived)
    if form is None:
        return kind.build(index, rows, store.derived)
    there = form.rows()
    if there is not None and rows.equals(there):
        return form
    log.warning("store '%s': its form of index %s is not that index, and is built again", name, index[:12])
    form.close()
    return kind.build(index, rows, store.derived)
