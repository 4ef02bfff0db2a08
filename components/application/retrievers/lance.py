"""Vector and hybrid search over chunks in LanceDB, embedded.

The table is derived from the `index` object (chunks.jsonl, vectors.npy) and kept in the store's `derived`: it is built
once, whole or not at all, and may be deleted at any time. Vectors are searched exactly; hybrid fuses them with LanceDB's
full-text search by reciprocal ranks (Cormack et al. 2009, k = 60).
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.core import BadInput, Machine, Retriever, Store, digest_of, read_jsonl
from components.core.artifacts import opened

from ..answer import Hit
from ..embedder import Embedder

if TYPE_CHECKING:
    import numpy as np

RECIPE = "lance 1: english stemming, no stop words"
"""Part of the derived table's name: another recipe builds another table."""

BEYOND = 4
"""Fetched for each hit wanted, so that ties at the cut are settled by stored order."""


class Lance:
    """See the package docstring. A passage may come more than once, as different chunks. Scores: cosine (vector) or summed
    reciprocal ranks (hybrid)."""

    def __init__(self, retriever: Retriever, store: Store, machine: Machine) -> None:
        if not retriever.index or not retriever.embedder:
            raise BadInput(f"retriever: scoring '{retriever.scoring}' needs an index and an embedder")
        self.hybrid = retriever.scoring == "rrf"
        self._embedder = Embedder(machine, opened(store, retriever.embedder.object))
        self._table = _open(store, retriever.index)

    def search(self, texts: Sequence[str], top_k: int = 5) -> list[list[Hit]]:
        """The best `top_k` chunks of each text (fewer in a smaller index)."""
        vectors = self._embedder.embed(texts)
        return [self._best(text, vector, top_k) for text, vector in zip(texts, vectors, strict=True)]

    def _best(self, text: str, vector: "np.ndarray", top_k: int) -> list[Hit]:
        if self.hybrid and any(letter.isalnum() for letter in text):
            found = self._fused(text, vector, top_k * BEYOND)
            scores = [row["_relevance_score"] for row in found]
        else:
            found = self._table.search(vector).distance_type("cosine").limit(top_k * BEYOND).to_list()
            scores = [1 - row["_distance"] for row in found]
        # six digits: equal texts score equally whatever the order of summation
        ordered = sorted(zip(scores, found, strict=True), key=lambda pair: (-round(pair[0], 6), pair[1]["place"]))
        return [Hit(passage=row["passage"], text=row["text"], score=round(score, 6)) for score, row in ordered[:top_k]]

    def _fused(self, text: str, vector: "np.ndarray", limit: int) -> list[dict[str, Any]]:
        from lancedb.query import MatchQuery
        from lancedb.rerankers import RRFReranker

        match = MatchQuery(text, "text")  # type: ignore[call-arg]  # the other fields have defaults
        query = self._table.search(query_type="hybrid", fts_columns="text").vector(vector).text(match)
        return query.distance_type("cosine").rerank(RRFReranker()).limit(limit).to_list()


def _open(store: Store, index: str) -> Any:
    import lancedb

    folder = store.derived / digest_of([RECIPE, index])
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building."))
        try:
            _build(building, store.path(index))
            os.rename(building, folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same content
                raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return lancedb.connect(folder).open_table("chunks")


def _build(folder: Path, index: Path) -> None:
    import lancedb
    import numpy as np
    import pyarrow as pa

    chunks = read_jsonl(index / "chunks.jsonl")
    vectors = np.load(index / "vectors.npy", allow_pickle=False)
    if len(chunks) != len(vectors) or not chunks:
        raise BadInput(f"retriever: the index holds {len(chunks)} chunks and {len(vectors)} vectors")
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
    columns = {
        "place": pa.array(range(len(chunks)), pa.int32()),
        "passage": [chunk["passage"] for chunk in chunks],
        "text": [chunk["text"] for chunk in chunks],
        "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
    }
    table = lancedb.connect(folder).create_table("chunks", pa.table(columns))
    table.create_fts_index("text", language="English", stem=True, remove_stop_words=True)
