"""Real bundles: best sentence over five passages, abstaining below a score; a two-layer model, made on the spot."""

import json
from pathlib import Path

import numpy as np

from components.application import Embedder, checkpoint
from components.core import (
    Baseline,
    Candidate,
    Machine,
    Prompt,
    PromptTurn,
    Quoted,
    Retriever,
    Runtime,
    Step,
    Store,
    Workspace,
    publish_json,
    write_jsonl,
)
from components.deployment import export

PASSAGES = {
    "moon": "The Moon is the only natural satellite of the Earth. It was first visited by people in 1969.",
    "tea": "Green tea comes from the leaves of Camellia sinensis. It has been drunk in China for centuries.",
    "rail": "The first public steam railway opened in England in 1825. It joined Stockton and Darlington.",
    "bees": "Honey bees live in colonies. A colony has one queen and many thousands of workers.",
    "ice": "Glaciers hold about 69 percent of the fresh water of the world. Most of it lies in Antarctica.",
}
QUESTIONS = [
    "When was the first public steam railway opened?",
    "Where does green tea come from?",
    "How many queens has a colony?",
]


def candidate(store: Store, folder: Path, abstain_below: float | None = None) -> Candidate:
    """A plain question-answering Candidate whose knowledge base is in `store`; `folder` is for building."""
    path = folder / "passages.jsonl"
    write_jsonl(path, [{"id": id, "text": text} for id, text in PASSAGES.items()])
    return Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="baseline"),
        baseline=Baseline(kind="best_sentence", abstain_below=abstain_below),
        retriever=Retriever(scoring="bm25", knowledge=store.put(path)),
    )


def bundle(folder: Path, abstain_below: float | None = None) -> Path:
    """Such a Candidate as a bundle in `folder`."""
    folder.mkdir(parents=True)
    store = Store(folder / "store")
    made = candidate(store, folder, abstain_below)
    publish_json(folder / "candidate.json", made)
    (folder / "reference.json").write_text(json.dumps([]))
    return folder


def with_model(workspace: Workspace, source: str = "made:two-layer", tokens: int = 12) -> Path:
    """A model (a two-layer one that says noise) as a bundle in the workspace's folder `bundle`."""
    step = Step("made", workspace.store.scratch("made"), workspace, Machine())
    candidate = Candidate(
        task="summarization",
        abstain="unknown",
        runtime=Runtime(engine="transformers"),
        model=checkpoint(source, "made", "apache-2.0", step),
        prompt=Prompt(method="zero_shot", turns=(PromptTurn(user="Say: {{input}}", max_new_tokens=tokens),)),
    )
    return export(candidate, workspace.store, workspace.root / "bundle", [])


def quoting(workspace: Workspace) -> Path:
    """A two-layer model that is held to quotes of the best passage, as a bundle in the workspace's folder `quoting`."""
    step = Step("quoting", workspace.store.scratch("quoting"), workspace, Machine())
    turn = PromptTurn(user="{{context}} {{input}}", max_new_tokens=8)
    update = {
        "runtime": Runtime(engine="transformers"),
        "baseline": None,
        "model": checkpoint("made:two-layer", "made", "apache-2.0", step),
        "prompt": Prompt(method="zero_shot", turns=(turn,)),
        "quoted": Quoted(abstain_bias=-1000, calibration=(0.0, 0.4)),
    }
    made = candidate(workspace.store, step.scratch).model_copy(update=update)
    return export(made, workspace.store, workspace.root / "quoting", [])


def with_embedder(workspace: Workspace) -> Path:
    """Best sentence over the five passages found by vectors, as a bundle in the workspace's folder `embedding`."""
    step = Step("embedder", workspace.store.scratch("embedder"), workspace, Machine())
    embedder = checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "minilm", "apache-2.0", step)
    knowledge, index = step.scratch / "passages.jsonl", step.scratch / "index"
    index.mkdir()
    write_jsonl(knowledge, [{"id": id, "text": text} for id, text in PASSAGES.items()])
    write_jsonl(index / "chunks.jsonl", [{"id": id, "passage": id, "text": text} for id, text in PASSAGES.items()])
    vectors = Embedder(step.machine, workspace.store.path(embedder.object)).embed(list(PASSAGES.values()))
    np.save(index / "vectors.npy", vectors)
    made = Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="baseline"),
        baseline=Baseline(kind="best_sentence"),
        retriever=Retriever(
            scoring="vector",
            store="numpy",
            knowledge=workspace.store.put(knowledge),
            index=workspace.store.put(index),
            embedder=embedder,
        ),
    )
    return export(made, workspace.store, workspace.root / "embedding", [])
