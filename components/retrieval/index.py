"""Building the index object: chunks, one unit vector each, and where both came from.

    chunks.jsonl   {"id", "passage", "text"} a line
    vectors.npy    float32 [chunks, dimensions], unit length, row n for line n
    index.json     provenance: knowledge, embedder and the dtype that it ran in, chunking, counts

A vector store makes its own form from it when a retriever is loaded, so that the object is the same bytes on every machine
that computes the same vectors. A knowledge base that changed is a new index: only those of its chunks are embedded whose
text no index of the workspace holds already, and of passages that are gone nothing is in it. A vector taken over may
differ from one made anew in the fifth digit, as between any two lists of texts (application/embedder.py).
"""

import hashlib
import logging
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from components.core import (
    Checkpoint,
    Derivation,
    Frozen,
    Passage,
    Split,
    Step,
    Store,
    digest_of,
    progress,
    publish_bytes,
    publish_json,
    read_jsonl,
    read_passages,
    write_jsonl,
)
from components.core.artifacts import opened

from .chunks import Chunk, chunk

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)
SHARD = 256
"""Chunks embedded between two durable points (4 s): what a kill costs at most."""


class Index(Frozen):
    """An index object and its provenance."""

    object: str
    knowledge: str
    """Object with the passages."""
    embedder: str
    """Object of the embedding model."""
    embedder_name: str
    chunk_words: int
    overlap_words: int
    passages: int
    chunks: int
    dimensions: int
    dtype: str = "bfloat16"
    """What the embedder computed in: the machine's faster one (Runtime.dtype), so that it is part of the bytes' inputs."""
    embedder_derived_from: Derivation | None = Field(None, exclude_if=lambda step: step is None)
    """How the embedder was made from another, with what it was tuned on; other indexes keep their bytes."""
    objects: tuple[str, ...] = ()


def build(
    knowledge: Split, embedder: Checkpoint, chunk_words: int, overlap_words: int, step: Step, dtype: str = "float32"
) -> Index:
    """Chunk and embed `knowledge`, once for each knowledge base, embedder, dtype and chunking; a killed build goes on at its
    last shard and gives the same bytes. dtype: float32, bfloat16 or int8 (`Embedder`)"""
    inputs: list[object] = [knowledge.object, embedder.object, chunk_words, overlap_words, dtype]
    inputs += [embedder.derived_from] if embedder.derived_from else []

    def make(inner: Step) -> Index:
        import numpy as np

        passages = read_passages(knowledge, inner.store)
        chunks = chunk(passages, chunk_words, overlap_words)
        vectors = _embed(chunks, passages, embedder, dtype, inner)
        provenance = {
            "knowledge": knowledge.object,
            "embedder": embedder.object,
            "embedder_name": embedder.name,
            "chunk_words": chunk_words,
            "overlap_words": overlap_words,
            "passages": len(passages),
            "chunks": len(chunks),
            "dimensions": vectors.shape[1],
            "dtype": dtype,
        }
        if embedder.derived_from:
            provenance["embedder_derived_from"] = embedder.derived_from.model_dump(mode="json")
        folder = inner.scratch / "index"
        folder.mkdir(exist_ok=True)
        write_jsonl(folder / "chunks.jsonl", chunks)
        np.save(folder / "vectors.npy", vectors, allow_pickle=False)
        publish_json(folder / "index.json", provenance)
        digest = inner.store.put(folder)
        return Index(object=digest, objects=(digest,), **provenance)

    return step.memo("index", Index, inputs, make, code=("components.retrieval.index",))


def _embed(chunks: list[Chunk], passages: list[Passage], embedder: Checkpoint, dtype: str, step: Step) -> "np.ndarray":
    """float32 [chunks, dimensions]: what an earlier index of the workspace has of a text, and the others embedded, shard by
    shard; a shard that is torn, or changed since it was written, is embedded again."""
    import time

    import numpy as np

    from components.application import Embedder

    titles, start = {passage.id: passage.title for passage in passages}, time.perf_counter()
    texts = [embedded_text(titles[item.passage], item.text) for item in chunks]
    known = _earlier(set(texts), embedder, dtype, step.workspace.store)
    fresh = [text for text in texts if text not in known]
    folder, model, embedded = step.scratch / "shards", None, 0
    folder.mkdir(exist_ok=True)
    new: list[np.ndarray] = []
    for first in progress(range(0, len(fresh), SHARD), "embedding the knowledge base"):
        part = fresh[first : first + SHARD]
        # named by its texts: what is fresh may be less when a killed build goes on
        path = folder / f"{first:08d}-{digest_of(part)[:12]}.shard"
        shard = _kept(path)
        if shard is None:
            model = model or Embedder(step.machine, opened(step.store, embedder.object), dtype)
            shard = model.embed(part)
            _keep(path, shard)
            embedded += len(part)
        new += list(shard)
    seconds, made = time.perf_counter() - start, iter(new)
    step.measured.update(seconds=round(seconds, 2), chunks_per_second=round(embedded / seconds, 1))
    step.measured.update(chunks_embedded=len(fresh), chunks_taken_over=len(texts) - len(fresh))
    return np.stack([known[text] if text in known else next(made) for text in texts])


def embedded_text(title: str, text: str) -> str:
    """What is embedded of a chunk."""
    return f"{title} {text}".strip()


def _earlier(wanted: set[str], embedder: Checkpoint, dtype: str, store: Store) -> dict[str, "np.ndarray"]:
    """Text → its vector, for those of `wanted` that an index made here before holds.

    The index and its knowledge base are not noted as read: nothing of their other texts goes on.
    """
    import numpy as np

    known: dict[str, np.ndarray] = {}
    for seal in store.seals():
        alike = seal.name == "index" and (seal.result.get("embedder"), seal.result.get("dtype")) == (embedder.object, dtype)
        if not alike or len(known) == len(wanted) or not store.sealed(seal.key):
            continue
        base = read_passages(Split(name="knowledge", object=seal.result["knowledge"], count=0), store)
        titles, folder = {passage.id: passage.title for passage in base}, store.path(seal.result["object"])
        vectors = np.load(folder / "vectors.npy", allow_pickle=False)
        for line, vector in zip(read_jsonl(folder / "chunks.jsonl"), vectors, strict=True):
            text = embedded_text(titles[line["passage"]], line["text"])
            if text in wanted:
                known.setdefault(text, vector)
    return known


def _keep(path: Path, shard: "np.ndarray") -> None:
    """The vectors behind a line with the digest of their bytes."""
    import numpy as np

    file = BytesIO()
    np.save(file, shard, allow_pickle=False)
    publish_bytes(path, hashlib.sha256(file.getvalue()).hexdigest().encode() + b"\n" + file.getvalue())


def _kept(path: Path) -> "np.ndarray | None":
    """What `_keep` wrote; None where nothing is there, and where it is damaged."""
    import numpy as np

    if not path.is_file():
        return None
    digest, _, content = path.read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        logger.warning("%s: damaged; it is made again", path)
        return None
    shard: np.ndarray = np.load(BytesIO(content), allow_pickle=False)
    return shard
