"""One workspace with the two-layer model and five passages, made once for all tests of this folder."""

from pathlib import Path

import numpy as np
import pytest

from components.application import Embedder, checkpoint
from components.core import (
    Candidate,
    Machine,
    Passage,
    Prompt,
    PromptTurn,
    Retriever,
    Row,
    Runtime,
    Step,
    Store,
    Workspace,
    write_jsonl,
)

PASSAGES = [
    Passage(id="nile", text="The Nile is a river in Africa. It is 6650 km long."),
    Passage(id="paris", text="Paris is the capital of France. It lies on the Seine."),
    Passage(id="oxygen", text="Oxygen is a major part of the atmosphere of the Earth."),
    Passage(id="norman", text="The Normans came to England in 1066. They built castles."),
    Passage(id="film", text="A good film needs a story. Actors help."),
]


@pytest.fixture(scope="session")
def step(tmp_path_factory: pytest.TempPathFactory) -> Step:
    workspace = Workspace(tmp_path_factory.mktemp("application"))
    return Step("application", workspace.store.scratch("application"), workspace, Machine(threads=1))


@pytest.fixture(scope="session")
def knowledge(step: Step) -> str:
    write_jsonl(step.scratch / "passages.jsonl", PASSAGES)
    return step.store.put(step.scratch / "passages.jsonl")


@pytest.fixture(scope="session")
def candidate(step: Step, knowledge: str) -> Candidate:
    turn = PromptTurn(
        system="You are the assistant of a help desk. Answer in a few words, from the context only.",
        user="Context: {{context}}\nQuestion: {{input}}\nAnswer:",
        max_new_tokens=8,
    )
    return Candidate(
        task="question_answering",
        abstain="unknown",
        runtime=Runtime(engine="transformers"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=Prompt(method="zero_shot", turns=(turn,)),
        retriever=Retriever(scoring="bm25", knowledge=knowledge),
    )


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    asked = [
        ("How long is the Nile?", "6650 km", "nile"),
        ("Which city is the capital of France, and on which river does that city lie?", "Paris", "paris"),
        ("What is oxygen a part of?", "the atmosphere", "oxygen"),
        ("When did the Normans come to, no wait, where did the Normans come to?", "England", "norman"),
    ]
    return [Row(id=f"r{i}", text=text, answer=answer, passage=passage) for i, (text, answer, passage) in enumerate(asked)]


@pytest.fixture(scope="session")
def assets(fetched: Path) -> Path:
    """Where the assets lie."""
    return fetched


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory, assets: Path, step: Step, knowledge: str) -> tuple[Store, Retriever]:
    """A store with an index of six chunks, two of them of one passage, and a retriever over it."""
    workspace = Workspace(tmp_path_factory.mktemp("indexed"))
    workspace.assets.symlink_to(assets)
    inner = Step("indexed", workspace.store.scratch("indexed"), workspace, Machine(threads=1))
    model = checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "all-minilm-l6-v2", "apache-2.0", inner)
    embedder = Embedder(inner.machine, inner.store.path(model.object))
    folder = inner.scratch / "index"
    folder.mkdir()
    texts = [passage.text for passage in PASSAGES] + ["The Seine flows through Paris."]
    owners = [passage.id for passage in PASSAGES] + ["paris"]
    chunks = [
        {"id": f"{i}", "passage": owner, "text": text} for i, (owner, text) in enumerate(zip(owners, texts, strict=True))
    ]
    write_jsonl(folder / "chunks.jsonl", chunks)
    vectors = embedder.embed(texts)
    assert vectors.shape == (6, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors == embedder.embed(texts)).all()
    np.save(folder / "vectors.npy", vectors)
    step.store.copy_to(inner.store, [knowledge])
    return inner.store, Retriever(
        scoring="vector", store="lance", knowledge=knowledge, index=inner.store.put(folder), embedder=model
    )
