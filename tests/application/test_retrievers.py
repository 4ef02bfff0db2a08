import time
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from components.application import Embedder, checkpoint, load_retriever
from components.core import BadInput, Baseline, Candidate, Machine, Retriever, Runtime, Step, Store, Workspace, write_jsonl
from components.core.keys import make_keys
from components.core.signature import check_signature
from components.deployment.bundle import export, sign
from components.serving.app import create_app

from .conftest import PASSAGES


def test_bm25_finds_the_passage_and_leaves_out_what_shares_no_word(knowledge: str, step: Step) -> None:
    searcher = load_retriever(Retriever(scoring="bm25", knowledge=knowledge), step.store, step.machine)
    found, nothing = searcher.search(["What is the capital of France?", "???"], top_k=5)
    assert found[0].passage == "paris"
    assert found[0].text == PASSAGES[1].text
    assert all(hit.score > 0 for hit in found)
    assert nothing == []


def test_equal_scores_keep_the_stored_order(step: Step) -> None:
    passages = [{"id": f"p{i}", "text": "the same words"} for i in range(8)]
    write_jsonl(step.scratch / "same.jsonl", passages)
    searcher = load_retriever(
        Retriever(scoring="bm25", knowledge=step.store.put(step.scratch / "same.jsonl")), step.store, step.machine
    )
    assert [hit.passage for hit in searcher.search(["same words"], top_k=4)[0]] == ["p0", "p1", "p2", "p3"]


def test_a_vector_mode_without_an_index_is_refused(knowledge: str, step: Step) -> None:
    with pytest.raises(BadInput, match="index"):
        load_retriever(Retriever(scoring="rrf", store="lance", knowledge=knowledge), step.store, step.machine)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, assets: Path, knowledge: str, step: Step) -> tuple[Store, Retriever]:
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
    return inner.store, Retriever(
        scoring="vector", store="lance", knowledge=knowledge, index=inner.store.put(folder), embedder=model
    )


@pytest.mark.parametrize("scoring", ["vector", "rrf"])
def test_lance_finds_chunks_and_repeats(indexed: tuple[Store, Retriever], scoring: str) -> None:
    store, retriever = indexed
    asked = ["What is the capital of France?", 'How "long" is (the) Nile?', "???"]
    found = [
        load_retriever(retriever.model_copy(update={"scoring": scoring}), store, Machine(threads=1)).search(asked, 3)
        for _ in "ab"
    ]
    assert found[0] == found[1]
    assert [hits[0].passage for hits in found[0][:2]] == ["paris", "nile"]
    assert [len(hits) for hits in found[0]] == [3, 3, 3]
    assert len(list((store.root / "derived").iterdir())) == 1


def test_a_signed_folder_with_a_vector_index_still_holds_after_it_was_served(
    indexed: tuple[Store, Retriever], step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table that is made of the index goes into the workspace: a file more in the folder would break its signature."""
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "keys"))
    make_keys()
    store, retriever = indexed
    step.store.copy_to(store, [retriever.knowledge])
    runtime, baseline = Runtime(engine="baseline"), Baseline(kind="best_sentence")
    made = Candidate(task="question_answering", runtime=runtime, baseline=baseline, retriever=retriever)
    bundle = export(made, store, tmp_path / "bundle", [])
    (bundle / "store" / "derived").mkdir()  # an older server left it there
    sign(made, bundle, [])
    workspace = Workspace(tmp_path / "home")
    for _ in "ab":
        check_signature(bundle)
        with TestClient(create_app(bundle, workspace, name="desk"), base_url="http://127.0.0.1") as client:
            while client.get("/ready").status_code == 503:
                time.sleep(0.05)
            asked = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
            reply = client.post("/v1/chat/completions", json=asked).json()
        assert "Paris" in reply["choices"][0]["message"]["content"]
    assert len(list(workspace.store.derived.iterdir())) == 1
