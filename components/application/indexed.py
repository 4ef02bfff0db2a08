"""An index as a scoring searches it: chunks, their vectors in the retriever's store, and the embedder of questions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from components.core import BadInput, Machine, Retriever, Store, read_jsonl
from components.core.artifacts import opened

from .answer import Hit
from .embedder import Embedder
from .index_rows import IndexRows
from .stores import open_store

if TYPE_CHECKING:
    import numpy as np

PACKAGES = ("torch", "transformers", "sentence-transformers")
"""What the embedder needs."""


class IndexedChunk(TypedDict):
    """A line of the index's `chunks.jsonl`: a part of a passage."""

    id: str
    passage: str
    text: str


class Indexed:
    """Opened and verified: every file of the index against its digest, every row of the store against the index."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        import numpy as np

        if not (retriever.index and retriever.embedder and retriever.store):
            raise BadInput(
                f"retriever: scoring '{retriever.scoring}' needs an index, the embedder that made it and a vector store"
            )
        folder = store.path(retriever.index)
        self.chunks: list[IndexedChunk] = read_jsonl(folder / "chunks.jsonl")
        vectors = np.load(folder / "vectors.npy", allow_pickle=False)
        if len(self.chunks) != len(vectors) or not self.chunks:
            raise BadInput(f"retriever: the index holds {len(self.chunks)} chunks and {len(vectors)} vectors")
        rows = IndexRows.of(tuple(chunk["passage"] for chunk in self.chunks), vectors)
        self.vectors = open_store(retriever.store, retriever.index, rows, store)
        self.embedder = Embedder.of_index(machine, opened(store, retriever.embedder.object), folder)

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """float32 [texts, dimensions], unit length."""
        return self.embedder.embed(texts)

    def hit(self, number: int, score: float) -> Hit:
        """The chunk in that line of the index."""
        chunk = self.chunks[number]
        return Hit(passage=chunk["passage"], text=chunk["text"], score=round(float(score), 6))

    def close(self) -> None:
        """Close the store."""
        self.vectors.close()
