"""Chunks fit, the index is the same bytes whenever it is built, and a broken build goes on at its last shard."""

import json
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from components.application import Embedder, checkpoint, load_retriever
from components.application.stores import NAMES as STORES
from components.core import Checkpoint, Passage, Retriever, read_jsonl
from components.retrieval import index
from components.retrieval.chunks import chunk
from tests.application.stores import all_served
from tests.retrieval.small import dataset, split, step_in

TEXT = "One two three four five. Six seven eight nine ten. Eleven twelve thirteen."


def test_chunks_end_at_sentences_and_stay_within_their_size():
    found = chunk([Passage(id="p", text=TEXT)], words=6)
    assert [item.text for item in found] == [
        "One two three four five.",
        "Six seven eight nine ten.",
        "Eleven twelve thirteen.",
    ]
    assert [item.id for item in found] == ["p#0", "p#1", "p#2"]


def test_no_size_keeps_passages_whole():
    (found,) = chunk([Passage(id="p", text=TEXT)], words=0)
    assert found.text == TEXT


def test_a_broken_build_gives_the_same_index_and_does_not_embed_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "SHARD", 4)
    whole = _build(step_in(tmp_path / "one"))
    step, embed, texts = step_in(tmp_path / "two"), Embedder.embed, []

    def dies_at_the_third(self, given):
        if len(texts) == 2:
            raise KeyboardInterrupt
        texts.append(len(given))
        return embed(self, given)

    monkeypatch.setattr(Embedder, "embed", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        _build(step)
    texts.clear()
    monkeypatch.setattr(Embedder, "embed", lambda self, given: texts.append(len(given)) or embed(self, given))
    again = _build(step)
    assert again == whole
    assert sum(texts) == whole.chunks - 8


class Counting:
    """Stands where the embedder does, so that tearing every shard in turn costs no model."""

    asked: list[int] = []

    def __init__(self, *_: object) -> None: ...

    def embed(self, texts: list[str]) -> np.ndarray:
        self.asked.append(len(texts))
        return np.array([[len(text), text.count("a")] for text in texts], dtype=np.float32)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "of an earlier version"])
def test_a_damaged_shard_is_embedded_again(tmp_path, monkeypatch, caplog, damage):
    monkeypatch.setattr(index, "SHARD", 4)
    monkeypatch.setattr("components.application.Embedder", Counting)
    monkeypatch.setattr(index, "opened", lambda *_: None)
    step = step_in(tmp_path)
    passages = [Passage(id=str(number), text="a" * number + ".") for number in range(1, 11)]
    chunks, embedder = chunk(passages, 0), Checkpoint(name="e", object="0" * 64, licence="mit", origin="here")
    whole = index._embed(chunks, passages, embedder, "float32", step)
    shard = sorted((step.scratch / "shards").iterdir())[1]
    data = shard.read_bytes()
    changed = {
        "empty": b"", "cut": data[: len(data) // 2], "flipped": data[:-1] + bytes([data[-1] ^ 1]),
        "of an earlier version": data.partition(b"\n")[2],
    }  # fmt: skip
    shard.write_bytes(changed[damage])
    Counting.asked.clear()
    assert (index._embed(chunks, passages, embedder, "float32", step) == whole).all()
    assert Counting.asked == [4]
    assert f"{shard}: damaged" in caplog.text
    Counting.asked.clear()
    index._embed(chunks, passages, embedder, "float32", step)
    assert Counting.asked == []


def test_the_index_says_where_it_comes_from(tmp_path):
    step = step_in(tmp_path)
    built = _build(step)
    folder = step.store.path(built.object)
    provenance = json.loads((folder / "index.json").read_text())
    assert provenance["knowledge"] == dataset(step).knowledge.object
    assert provenance["chunk_words"] == 60
    vectors = np.load(folder / "vectors.npy", allow_pickle=False)
    assert vectors.dtype == np.float32
    assert vectors.shape == (built.chunks, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def _build(step):
    embedder = checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "minilm", "apache-2.0", step)
    return index.build(dataset(step).knowledge, embedder, 60, 0, step)


def test_questions_are_embedded_in_the_dtype_that_the_index_was_made_in(tmp_path):
    step = step_in(tmp_path)
    model = checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "minilm", "apache-2.0", step)
    asked, folder, machine = ["who built the bridge"], step.store.path(model.object), step.machine
    vectors = {dtype: Embedder(machine, folder, dtype).embed(asked) for dtype in ("float32", "bfloat16", "int8")}
    assert (vectors["float32"] != vectors["bfloat16"]).any()
    assert (vectors["float32"] != vectors["int8"]).any()
    for dtype, wanted in vectors.items():
        built = index.build(dataset(step).knowledge, model, 60, 0, step, dtype)
        assert built.dtype == dtype
        assert (Embedder.of_index(machine, folder, step.store.path(built.object)).embed(asked) == wanted).all()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with all_served(tmp_path_factory.mktemp("stores")):
        yield


def test_of_a_base_that_changed_only_what_changed_is_embedded(tmp_path, monkeypatch, served):
    step, embed, asked = step_in(tmp_path), Embedder.embed, []
    embedder = checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "minilm", "apache-2.0", step)
    monkeypatch.setattr(Embedder, "embed", lambda self, given: asked.append(list(given)) or embed(self, given))

    def built(passages: list[Passage], dtype: str = "float32") -> tuple[index.Index, list[str]]:
        asked.clear()
        made = index.build(split("passages", passages, step), embedder, 0, 0, step, dtype)
        return made, [text for texts in asked for text in texts]

    passages = [Passage(id=name, text=f"{name} lies in the hills.", title=name) for name in ("Ava", "Bor", "Cis", "Dol")]
    before, every = built(passages)
    assert len(every) == 4
    moved = passages[3].model_copy(update={"id": "moved", "text": "  Dol lies in the hills. "})
    changed = passages[1].model_copy(update={"title": "Bor, renamed"})
    after, some = built([moved, passages[0], changed, Passage(id="Eis", text="Eis is new.")])
    assert some == ["Bor, renamed Bor lies in the hills.", "Eis is new."]
    old, new = (np.load(step.store.path(one.object) / "vectors.npy") for one in (before, after))
    assert (new[:2] == old[[3, 0]]).all()
    assert np.allclose(new, embed(Embedder(step.machine, step.store.path(embedder.object)), [
        "Dol Dol lies in the hills.", "Ava Ava lies in the hills.", *some
    ]), atol=1e-5)  # fmt: skip
    assert built([moved], "bfloat16")[1] == ["Dol Dol lies in the hills."], "another dtype is another vector"
    # Cis was deleted: it is in no line of the index, in no row of a store, and no search finds it
    assert "Cis" not in (step.store.path(after.object) / "chunks.jsonl").read_text()
    for kept_in in STORES:
        retriever = Retriever(
            scoring="vector", store=kept_in, knowledge=after.knowledge, index=after.object, embedder=embedder
        )
        with closing(load_retriever(retriever, step.store, step.machine)) as searcher:
            assert {hit.passage for hit in searcher.search(["Cis lies in the hills."], 9)[0]} == {
                "moved",
                "Ava",
                "Bor",
                "Eis",
            }
            assert "Cis" not in searcher.indexed.vectors.rows().passages
    assert built(passages[:2])[1] == [], "what was there before is taken over from whichever index holds it"


def test_a_damaged_index_lends_nothing(tmp_path):
    step = step_in(tmp_path)
    folder = step.store.path(_build(step).object)
    texts = {chunk["text"] for chunk in read_jsonl(folder / "chunks.jsonl")}
    embedder = checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "minilm", "apache-2.0", step)
    assert index._earlier(texts, embedder, "float32", step.store).keys() == texts
    file = folder / "vectors.npy"
    file.write_bytes(file.read_bytes()[:-4] + b"\1\1\1\1")
    assert index._earlier(texts, embedder, "float32", step.store) == {}
