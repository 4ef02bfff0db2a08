"""Scorings: how texts are ranked for a question. One file each, found by listing this folder; `retriever.scoring` names one.

A file defines

    PACKAGES: tuple[str, ...]
        Distributions that it needs beside numpy and those of the vector store. They are imported late; a missing one is
        answered with its install line.
    VECTORS: bool
        Whether it ranks chunks by vectors: then the retriever has an index, an embedder and a store. Any store will do.
    class Scoring(retriever, store, machine)
        search(texts, top_k=5) -> list[list[Hit]]
            The best `top_k` of each text (fewer in a smaller base), best first; equal scores keep the stored order. One that
            ranks chunks may name a passage more than once.
        indexed: Indexed        (with VECTORS)
            The opened index, which has the embedder (indexed.py).
        close() -> None
            Let go of connections.

and, where its ranking is learned,

    fit(retriever, rows, step) -> str | None
        The object that `retriever.fitted` then names: what was learned from `rows`, training rows alone, as a file without
        code; None where they are too few. Equal rows give equal bytes.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from components.core import Machine, Retriever, Row, Step, Store
from components.core.variants import known, require

if TYPE_CHECKING:
    from ..answer import Searcher

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("PACKAGES", "VECTORS", "Scoring.search", "Scoring.close")


class ScoringModule(Protocol):
    """A file of this folder, as described above."""

    PACKAGES: tuple[str, ...]
    VECTORS: bool
    Scoring: "Callable[[Retriever, Store, Machine], Searcher]"


class LearnedModule(ScoringModule, Protocol):
    """One whose ranking is learned."""

    def fit(self, retriever: Retriever, rows: Sequence[Row], step: Step) -> str | None: ...


def scoring(name: str) -> ScoringModule:
    """The module of the scoring `name`. Raises BadInput where there is none, MissingPackage where it cannot run here."""
    known(name, NAMES, "retriever.scoring")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"scoring '{name}'")
    return cast(ScoringModule, module)


def learned(name: str) -> LearnedModule | None:
    """The module of the scoring `name` where its ranking is learned from rows, else None."""
    module = scoring(name)
    return cast(LearnedModule, module) if hasattr(module, "fit") else None
