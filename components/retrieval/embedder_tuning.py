"""The embedder tuned on the training questions: each is taught to lie near the chunk that answers it.

A question's own chunk is the one of its passage that holds the answer, else the nearest of its passage. Its hard negatives
are the nearest chunks of other passages in the index as it stands, those left out that hold the answer: they may be right.
Only passages that training may read are looked at (`training_knowledge`): a text that validation or test asks about is
neither right nor wrong for any question. sentence-transformers' own `mine_hard_negatives` would embed the knowledge base
once more, and knows neither the answers nor which passages training may read.
Not covered: questions that name no passage, which teach nothing; questions made for passages that nobody asked about.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from components.core import (
    BadInput,
    Checkpoint,
    Dataset,
    Derivation,
    Frozen,
    Passage,
    Row,
    Split,
    Step,
    Task,
    read_jsonl,
    read_passages,
)
from components.core.artifacts import opened
from components.measure import abstains
from components.text import holds
from components.training import Diverged

from .index import Index, embedded_text

if TYPE_CHECKING:
    import numpy as np

CODE = ("components.retrieval.embedder_tuning",)
FEWEST = 20
"""Questions that name a passage, under which nothing is trained."""


class EmbedderTuning(Frozen):
    """How the embedder is tuned on training questions."""

    epochs: int = Field(3, ge=1)
    """Passes over the questions."""
    learning_rate: float = Field(2e-5, gt=0)
    """At its highest; it warms up and then falls linearly."""
    batch_rows: int = Field(16, ge=2)
    """Questions in a batch; each is told from the chunks of the others."""
    hard_negatives: int = Field(1, ge=0, le=8)
    """Chunks of other passages that the index finds nearest, for each question."""
    checkpoint_every: int = Field(25, ge=0)
    """Steps between checkpoints; 0: none."""
    seed: int = 0
    """Of the order of questions."""


class RowsOf(Frozen):
    """Questions of one source that the embedder was tuned on."""

    rows: int
    licence: str


class TunedEmbedder(Frozen):
    """An embedder that was tuned on training questions."""

    checkpoint: Checkpoint | None
    """None: too few questions name a passage that training may read."""
    rows: int
    """Questions that it was tuned on."""
    sources: dict[str, RowsOf] = {}
    """Where they come from; their passages come from there too, or from a source of the knowledge base."""


def tune(
    config: EmbedderTuning, dataset: Dataset, index: Index, embedder: Checkpoint, task: Task, step: Step
) -> TunedEmbedder:
    """`embedder`, which made `index`, tuned on the training questions of `dataset`; once for equal settings and inputs.

    A killed training goes on at its last checkpoint. Raises BadInput where it diverges (training/divergence.py).
    """
    readable = dataset.training_knowledge or dataset.knowledge
    train = dataset.splits["train"]
    assert readable, "an embedder is only tuned with a knowledge base"
    licences = _licences(dataset, step)
    inputs = [config, train.object, readable.object, index.object, embedder, task.abstain, licences]

    def make(inner: Step) -> TunedEmbedder:
        return _tuned(config, dataset.rows("train", inner.store), readable, licences, index, embedder, task, inner)

    return step.memo("tuned embedder", TunedEmbedder, inputs, make, code=CODE)


def _tuned(
    config: EmbedderTuning,
    rows: Sequence[Row],
    readable: Split,
    licences: dict[str, str],
    index: Index,
    embedder: Checkpoint,
    task: Task,
    step: Step,
) -> TunedEmbedder:
    taught = list(lessons(config, rows, read_passages(readable, step.store), index, embedder, task, step))
    counts = Counter(row.source for row, _ in taught)
    sources = {name: RowsOf(rows=rows, licence=licences.get(name, "")) for name, rows in sorted(counts.items())}
    if len(taught) < FEWEST:
        return TunedEmbedder(checkpoint=None, rows=len(taught), sources=sources)
    from .contrastive import Recipe, train

    how = config.model_dump(exclude={"hard_negatives", "checkpoint_every"})
    recipe = Recipe(dtype="bfloat16" if index.dtype == "bfloat16" else "float32", **how)
    base = opened(step.store, embedder.object)
    try:
        trained = train(recipe, base, [texts for _, texts in taught], config.checkpoint_every, step.scratch, step.machine)
    except Diverged as error:
        raise BadInput(f"retrieval.embedder_tuning: {error}. Set a lower 'learning_rate'") from error
    step.measured.update(trained.measured)
    settings = recipe.model_dump(mode="json") | {
        "objective": "contrastive",
        "hard_negatives": config.hard_negatives,
        "rows": len(taught),
        "sources": {name: one.model_dump(mode="json") for name, one in sources.items()},
    }
    made = {
        "name": f"{embedder.name}-tuned",  # who asks an endpoint for vectors by name does not mix the two
        "object": step.store.put(trained.folder),
        "derived_from": Derivation(technique="full", checkpoint=embedder, settings=settings, trained=True),
    }
    return TunedEmbedder(checkpoint=embedder.model_copy(update=made), rows=len(taught), sources=sources)


def lessons(
    config: EmbedderTuning,
    rows: Sequence[Row],
    passages: Sequence[Passage],
    index: Index,
    embedder: Checkpoint,
    task: Task,
    step: Step,
) -> Iterator[tuple[Row, dict[str, str]]]:
    """Each of `rows` about one of `passages`, with what it teaches: its question, its chunk (`right`) and so many chunks of
    others (`wrong_1` …). One that has fewer of those teaches nothing."""
    import numpy as np

    from components.application import Embedder

    folder = step.store.path(index.object)
    titles = {passage.id: passage.title for passage in passages}
    vectors = np.load(folder / "vectors.npy", allow_pickle=False)
    lines = read_jsonl(folder / "chunks.jsonl")
    read = [number for number, line in enumerate(lines) if line["passage"] in titles]
    chunks = [(lines[number]["passage"], lines[number]["text"]) for number in read]
    vectors = vectors[read]
    asked = [row for row in rows if row.passage in titles]
    model = Embedder.of_index(step.machine, opened(step.store, embedder.object), folder)
    for row, vector in zip(asked, model.embed([row.text for row in asked]), strict=True):
        answer = None if abstains(task.abstain, row.answer) else row.answer
        found = _right_and_wrong(row.passage or "", answer, chunks, vectors @ vector, config.hard_negatives)
        if found:
            texts = [embedded_text(titles[chunks[number][0]], chunks[number][1]) for number in found]
            names = ["right", *(f"wrong_{place}" for place in range(1, len(texts)))]
            yield row, {"question": row.text, **dict(zip(names, texts, strict=True))}


def _right_and_wrong(
    passage: str, answer: str | None, chunks: Sequence[tuple[str, str]], cosines: "np.ndarray", wanted: int
) -> list[int]:
    """Numbers of a question's own chunk and of `wanted` wrong ones, one a passage; empty where there are not as many.

    chunks: (passage, text) of each, which the question has `cosines` with. answer: None where the passage does not answer it
    """
    order = (-cosines).argsort(kind="stable").tolist()
    own = [number for number in order if chunks[number][0] == passage]
    right = next((number for number in own if answer and holds(chunks[number][1], answer)), next(iter(own), None))
    wrong: dict[str, int] = {}
    for number in order:
        of, text = chunks[number]
        if len(wrong) == wanted:
            break
        if of != passage and of not in wrong and not (answer and holds(text, answer)):
            wrong[of] = number
    return [right, *wrong.values()] if right is not None and len(wrong) == wanted else []


def _licences(dataset: Dataset, step: Step) -> dict[str, str]:
    """Source → licence, as the data step wrote them down."""
    if not step.store.has(dataset.provenance):
        return {}
    sources = json.loads(step.store.file(dataset.provenance).read_text()).get("sources", ())
    return {one["name"]: one["licence"] for one in sources}
