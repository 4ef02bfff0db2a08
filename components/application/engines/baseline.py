"""Applications without a language model: the honest bar for every model. Each is a file of ../baselines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, Machine, Store

from ..baselines import Reply, load

if TYPE_CHECKING:
    from ..answer import Hit

ARCHITECTURES = ()
PACKAGES = ()
QUOTES = False
CONTEXT = False


class Engine:
    """See engines/__init__.py: `reply` instead of `generate`."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        if candidate.baseline is None:
            raise BadInput("candidate: engine 'baseline' needs a baseline")
        self._reply: Reply | None = load(candidate, store)

    def reply(self, texts: Sequence[str], hits: Sequence[Sequence["Hit"]]) -> list[str]:
        """One answer a text. hits: what was retrieved for each, best first (empty without a retriever)."""
        assert self._reply, "the engine was closed"
        return self._reply(texts, hits)

    def close(self) -> None:
        """Free what was loaded."""
        self._reply = None
