"""A reranker learns from training questions which of the first chunks is right, and keeps numbers only."""

import json
from contextlib import closing

import numpy as np
import pytest

from components.application import Embedder, checkpoint, load_retriever
from components.application.pair_features import NAMES, PairFeatures, corrected
from components.application.scoring import rerank
from components.core import BadInput, Candidate, Passage, Retriever, Row, Runtime, Step, write_jsonl
from tests.retrieval.small import split, step_in

COLOURS = ("red", "blue", "green", "white", "black", "brown", "grey", "pink")
KINDS = ("river", "tower", "bridge", "market")
FILLER = "which people describe at great length in their letters home, and which guides show on every walk"


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Step:
    return step_in(tmp_path_factory.mktemp("rerank"))


@pytest.fixture(scope="module")
def retriever(step: Step) -> Retriever:
    """A passage a place; questions name two places, of which the second is meant."""
    passages = [
        Passage(id=f"{colour} {kind}", text=f"The {colour} {kind} was opened in {number}, {FILLER}.")
        for colour in COLOURS
        for number, kind in enumerate(KINDS, start=1900)
    ]
    knowledge = split("passages", passages, step)
    embedder = checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "minilm", "apache-2.0", step)
    folder = step.scratch / "index"
    folder.mkdir()
    write_jsonl(folder / "chunks.jsonl", [{"id": f"{one.id}#0", "passage": one.id, "text": one.text} for one in passages])
    vectors = Embedder(step.machine, step.store.path(embedder.object)).embed([one.text for one in passages])
    np.save(folder / "vectors.npy", vectors, allow_pickle=False)
    index = step.store.put(folder)
    return Retriever(scoring="rerank", store="numpy", knowledge=knowledge.object, index=index, embedder=embedder)


def questions(colours: tuple[str, ...]) -> list[Row]:
    asked = [
        (f"when was the {wrong} {kind} no wait the {colour} {kind} opened", f"{colour} {kind}")
        for wrong, colour in zip((*colours[1:], colours[0]), colours, strict=True)
        for kind in KINDS
    ]
    return [Row(id=text, text=text, answer="", passage=passage) for text, passage in asked]


def firsts(retriever: Retriever, rows: list[Row], step: Step) -> float:
    with closing(load_retriever(retriever, step.store, step.machine)) as searcher:
        hits = searcher.search([row.text for row in rows], top_k=1)
    return float(np.mean([found[0].passage == row.passage for row, found in zip(rows, hits, strict=True)]))


def test_it_puts_the_right_passage_first_for_questions_that_it_was_not_fitted_to(retriever: Retriever, step: Step) -> None:
    fitted = retriever.model_copy(update={"fitted": rerank.fit(retriever, questions(COLOURS[:5]), step)})
    asked = questions(COLOURS[5:])
    assert firsts(fitted, asked, step) > firsts(fitted.model_copy(update={"scoring": "convex"}), asked, step)
    assert firsts(fitted, asked, step) == 1


def test_what_is_learned_is_a_number_a_feature_and_the_same_for_the_same_rows(retriever: Retriever, step: Step) -> None:
    rows = questions(COLOURS[:5])
    learned = rerank.fit(retriever, rows, step)
    assert learned == rerank.fit(retriever, rows, step) != rerank.fit(retriever, rows[:-2], step)
    weights = json.loads(step.store.file(learned).read_text())
    assert weights.keys() == {*NAMES}
    assert all(isinstance(weight, float) for weight in weights.values())


def test_too_few_questions_teach_nothing(retriever: Retriever, step: Step) -> None:
    rows = questions(COLOURS)
    assert rerank.fit(retriever, rows[:19], step) is None
    assert rerank.fit(retriever, [row.model_copy(update={"passage": None}) for row in rows], step) is None


def test_chunks_beyond_the_first_keep_their_order_and_score_below(retriever: Retriever, step: Step) -> None:
    fitted = retriever.model_copy(update={"fitted": rerank.fit(retriever, questions(COLOURS[:5]), step)})
    text = questions(COLOURS[5:])[0].text
    with closing(load_retriever(fitted, step.store, step.machine)) as searcher:
        (hits,) = searcher.search([text], top_k=40)
    with closing(load_retriever(fitted.model_copy(update={"scoring": "convex"}), step.store, step.machine)) as searcher:
        (first,) = searcher.search([text], top_k=40)
    assert hits[20:] == first[20:]
    assert {hit.text for hit in hits[:20]} == {hit.text for hit in first[:20]}
    assert all(hit.score >= 1 for hit in hits[:20])
    assert all(hit.score <= 1 for hit in hits[20:])


def test_without_weights_or_with_those_of_other_features_it_is_refused(retriever: Retriever, step: Step) -> None:
    with pytest.raises(BadInput, match="'rerank' needs what it was fitted to"):
        load_retriever(retriever, step.store, step.machine)
    path = step.scratch / "other.json"
    path.write_text(json.dumps({"cosine": 1.0}))
    with pytest.raises(BadInput, match="features of another version"):
        load_retriever(retriever.model_copy(update={"fitted": step.store.put(path)}), step.store, step.machine)


def test_the_weights_go_with_the_candidate_and_others_keep_their_digests(retriever: Retriever) -> None:
    plain = Candidate(task="question_answering", runtime=Runtime(engine="baseline"), retriever=retriever)
    fitted = plain.model_copy(update={"retriever": retriever.model_copy(update={"fitted": "f" * 64})})
    assert {*fitted.objects} - {*plain.objects} == {"f" * 64}
    assert "fitted" not in plain.model_dump_json()
    assert fitted.digest != plain.digest


def test_overlaps_are_shares_of_the_rarity_of_what_was_asked() -> None:
    passages = ["The Nile is a long river of Africa. It is 6650 km long.", "The Seine flows through Paris.", "A river."]
    pairs = PairFeatures(["The Nile is a long river of Africa.", *passages[1:]], [0, 1, 2], passages)
    rows = pairs.of("how long is the Nile in km, over 6650", [0, 1, 2], np.zeros((3, 3)))
    nile, seine, river = (dict(zip(NAMES, row, strict=True)) for row in rows)
    assert rows.shape == (3, len(NAMES))
    assert nile["passage_terms"] > nile["chunk_terms"] > seine["passage_terms"] == river["chunk_terms"] == 0
    assert nile["numbers"] == nile["names"] == 1
    assert seine["numbers"] == seine["names"] == 0
    assert pairs.of("???", [0], np.zeros((1, 3))).tolist()[0][:11] == [0.0] * 11


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("What is the merger no wait the name of the holding company?", "the name of the holding company?"),
        ("when did it open er um, I mean, how long did it take", "how long did it take"),
        ("what is the name of the no", "what is the name of the no"),
        ("who wrote Norwegian Wood", "who wrote Norwegian Wood"),
        ("東京はどこですか", "東京はどこですか"),
    ],
)
def test_what_a_speaker_corrected_himself_to(said: str, meant: str) -> None:
    assert corrected(said) == meant
