"""How plain baselines answer, one small file each, found by listing this folder.

A file has `load(candidate, store) -> Reply`, `PACKAGES`, what it needs installed beside core's, and `READS_INPUT`, whether
its answer depends on what the input says. How they are fitted is said in components/selection/baselines.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from components.core import BadInput, Candidate, Store

if TYPE_CHECKING:
    from ..answer import Hit

Reply = Callable[[Sequence[str], Sequence[Sequence["Hit"]]], list[str]]
"""(texts, what was retrieved for each, best first; empty without a retriever) → one answer a text."""


class BaselineModule(Protocol):
    """What a file defines."""

    PACKAGES: tuple[str, ...]
    READS_INPUT: bool

    def load(self, candidate: Candidate, store: Store) -> Reply: ...


def names() -> list[str]:
    """The baselines that there are."""
    return sorted(path.stem for place in __path__ for path in Path(place).glob("*.py") if path.stem != "__init__")


def load(candidate: Candidate, store: Store) -> Reply:
    """The baseline that `candidate` names, ready to answer; raises BadInput where it is not known."""
    return _module(candidate.baseline.kind if candidate.baseline else "").load(candidate, store)


def packages(kind: str) -> tuple[str, ...]:
    """What the baseline `kind` needs installed."""
    return tuple(_module(kind).PACKAGES)


def reads_input(candidate: Candidate) -> bool:
    """Whether an answer of `candidate` depends on what the input says; always the same one, or one drawn, does not."""
    return candidate.baseline is None or _module(candidate.baseline.kind).READS_INPUT


def _module(kind: str) -> BaselineModule:
    if kind not in names():
        raise BadInput(f"candidate: baseline '{kind}' is not known; allowed: {', '.join(names())}")
    return cast(BaselineModule, import_module(f".{kind}", __package__))
