"""Cosine of question and chunk alone: no word has to be shared."""

from collections.abc import Sequence

from components.core import Machine, Retriever, Store

from .. import indexed
from ..answer import Hit

PACKAGES = indexed.PACKAGES
VECTORS = True


class Scoring:
    """See scoring/__init__.py. Scores are cosines."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        self.indexed = indexed.Indexed(retriever, store, machine)

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """See scoring/__init__.py."""
        nearest = self.indexed.vectors.search(self.indexed.embed(texts), top_k)
        return [list(map(self.indexed.hit, numbers, cosines)) for numbers, cosines in nearest]

    def close(self) -> None:
        """See scoring/__init__.py."""
        self.indexed.close()
