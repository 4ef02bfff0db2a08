"""One contract for every scoring over every store; and what the shipped default gives is what its formula gives."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from components.application import Embedder, Hit, load_retriever, scoring
from components.application.lexical import Lexical
from components.application.scoring import NAMES
from components.application.stores import NAMES as STORES
from components.core import (
    BadInput,
    Baseline,
    Candidate,
    Machine,
    MachineFault,
    Retriever,
    Row,
    Runtime,
    Step,
    Store,
    Workspace,
    read_jsonl,
)
from components.core.code import ROOT
from components.core.keys import make_keys
from components.core.signature import check_signature
from components.deployment.bundle import export, sign
from components.serving.app import create_app
from tests.application.conftest import PASSAGES
from tests.application.packages import said_with_only
from tests.application.stores import all_served

Indexed = tuple[Store, Retriever]
ASKED = [
    "What is the capital of France?",
    'How "long" is (the) Nile?',
    "???",
    "Who came to England?",
    "a river, castles in 1066, oxygen of the Earth",
]


@pytest.fixture(scope="module", autouse=True)
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with all_served(tmp_path_factory.mktemp("scoring")):
        yield


LESSONS = [
    Row(id=f"{passage.id} {words}", text=words.format(passage.text[:24]), answer="", passage=passage.id)
    for passage in PASSAGES
    for words in ("What of {}?", "Who says: {}?", "Is it so, {}?", "{} and what else?")
]


def choose(indexed: Indexed, word: str, kept_in: str) -> Retriever:
    """A retriever of that scoring over that store, fitted where it learns."""
    store, retriever = indexed
    chosen = retriever.model_copy(update={"scoring": word, "store": kept_in})
    module = scoring.learned(word)
    return chosen.model_copy(update={"fitted": module.fit(chosen, LESSONS, step_of(store))}) if module else chosen


def step_of(store: Store) -> Step:
    workspace = Workspace(store.root.parent)
    return Step("fit", workspace.store.scratch("fit"), workspace, Machine(threads=1))


def found(indexed: Indexed, word: str, kept_in: str, top_k: int = 6, asked: list[str] = ASKED) -> list[list[Hit]]:
    store, _ = indexed
    chosen = choose(indexed, word, kept_in)
    with closing(load_retriever(chosen, store, Machine(threads=1))) as searcher:
        return searcher.search(asked, top_k)


def contract(indexed: Indexed, word: str) -> None:
    """Finds what was asked for, best first, no more than asked for, the same again, and over every store the same."""
    wanted = found(indexed, word, "numpy")
    assert [hits[0].passage for hits in wanted[:2]] == ["paris", "nile"], f"scoring '{word}': the wrong passage is first"
    for hits in wanted:
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True), f"scoring '{word}': not best first"
    assert found(indexed, word, "numpy") == wanted, f"scoring '{word}': other hits when asked again"
    short = found(indexed, word, "numpy", top_k=2)
    assert short == [hits[:2] for hits in wanted], f"scoring '{word}': the best two are not the first two"
    for kept_in in STORES if scoring.scoring(word).VECTORS else ():
        assert all(len(hits) == 6 for hits in wanted), f"scoring '{word}': not all chunks are ranked"
        hits = found(indexed, word, kept_in)
        places = [[(hit.passage, hit.text) for hit in some] for some in hits]
        assert places == [[(hit.passage, hit.text) for hit in some] for some in wanted], f"'{word}' over '{kept_in}'"
        apart = [
            abs(a.score - b.score) for one, two in zip(hits, wanted, strict=True) for a, b in zip(one, two, strict=True)
        ]
        assert max(apart) < 3e-6, f"'{word}' over '{kept_in}': scores differ"


@pytest.mark.parametrize("word", NAMES)
def test_every_scoring_finds_the_same_over_every_store(indexed: Indexed, word: str) -> None:
    contract(indexed, word)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("VECTORS = False", "OTHER = 1", r"planted does not define VECTORS \(see .*/scoring/__init__\.py\)"),
        ("np.argsort(-scores", "np.argsort(scores", "scoring 'planted': not best first"),
        ('kind="stable")[:top_k]', 'kind="stable")[:top_k][::-1]', "scoring 'planted': not best first"),
    ],
)
def test_a_planted_bad_file_fails_with_a_clear_message(
    old: str, new: str, said: str, indexed: Indexed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (ROOT / "components/application/scoring/bm25.py").read_text()
    assert old in good
    (tmp_path / "planted.py").write_text(good.replace(old, new).replace("from ..", "from components.application."))
    monkeypatch.setattr(scoring, "NAMES", (*NAMES, "planted"))
    monkeypatch.setattr(scoring, "__path__", [*scoring.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "components.application.scoring.planted", raising=False)
    with pytest.raises(AssertionError, match=said):
        contract(indexed, "planted")


def test_convex_over_numpy_gives_what_its_formula_gives_bit_for_bit(indexed: Indexed) -> None:
    """The shipped default, computed here as it was when the released figures were measured."""
    store, retriever = indexed
    asked = ASKED * 20
    chunks = read_jsonl(store.path(retriever.index) / "chunks.jsonl")
    vectors = np.load(store.path(retriever.index) / "vectors.npy")
    owner = np.array([[passage.id for passage in PASSAGES].index(chunk["passage"]) for chunk in chunks])
    folder = store.path(retriever.embedder.object)
    embedded = Embedder.of_index(Machine(threads=1), folder, store.path(retriever.index)).embed(asked)
    wanted = []
    for start in range(0, len(asked), 64):
        texts, some = asked[start : start + 64], embedded[start : start + 64]
        of_passage = Lexical([f"{passage.title} {passage.text}" for passage in PASSAGES]).scores(texts)
        of_chunk = Lexical([chunk["text"] for chunk in chunks]).scores(texts)
        scores = 0.5 * by_largest(np.maximum(some @ vectors.T, 0))
        scores += 0.25 * by_largest(of_passage)[:, owner]
        scores += 0.25 * by_largest(of_chunk)
        wanted += [[(chunks[i]["text"], round(float(row[i]), 6)) for i in np.argsort(-row, kind="stable")] for row in scores]
    hits = found(indexed, "convex", "numpy", asked=asked)
    assert [[(hit.text, hit.score) for hit in some] for some in hits] == wanted


def by_largest(scores: np.ndarray) -> np.ndarray:
    return scores / np.maximum(scores.max(axis=1, keepdims=True), 1e-9)


def test_reciprocal_ranks_of_words_and_vectors_are_summed(indexed: Indexed) -> None:
    (nearest,), (fused,) = (
        found(indexed, "vector", "numpy", asked=ASKED[:1]),
        found(indexed, "rrf", "numpy", asked=ASKED[:1]),
    )
    by_words = [PASSAGES[1].text]  # only this chunk holds "capital" or "France"
    ranks = {hit.text: [place] for place, hit in enumerate(nearest, start=1)}
    for place, text in enumerate(by_words, start=1):
        ranks[text].append(place)
    wanted = {text: sum(1 / (60 + rank) for rank in places) for text, places in ranks.items()}
    assert {hit.text: hit.score for hit in fused} == {text: round(score, 6) for text, score in wanted.items()}


@pytest.mark.parametrize("word", [word for word in NAMES if word != "bm25"])
def test_a_scoring_of_vectors_without_an_index_is_refused(knowledge: str, step: Step, word: str) -> None:
    with pytest.raises(BadInput, match=f"scoring '{word}' needs an index"):
        load_retriever(Retriever(scoring=word, store="lance", knowledge=knowledge), step.store, step.machine)


def test_words_that_name_no_file_are_refused_with_those_that_do(indexed: Indexed) -> None:
    with pytest.raises(
        BadInput, match=r"retriever\.scoring 'tfidf' is not known; allowed: bm25, convex, rerank, rrf, vector"
    ):
        found(indexed, "tfidf", "numpy")
    with pytest.raises(BadInput, match=r"retriever\.store 'faiss' is not known; allowed: "):
        found(indexed, "rrf", "faiss")


@pytest.mark.parametrize("file", ["chunks.jsonl", "vectors.npy"])
@pytest.mark.parametrize("kept_in", STORES)
def test_an_index_that_was_changed_is_not_searched(indexed: Indexed, kept_in: str, file: str, tmp_path: Path) -> None:
    store, retriever = indexed
    other = Store(tmp_path)
    store.copy_to(other, [retriever.knowledge, retriever.index, retriever.embedder.object])
    path = other.path(retriever.index) / file
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Nile", b"Oder") if file == "chunks.jsonl" else data[:-4] + b"\0\0\0\0")
    with pytest.raises(MachineFault, match=f"{retriever.index}/{file}: damaged"):
        found((other, retriever), "vector", kept_in)


@pytest.mark.parametrize("word", [word for word in NAMES if scoring.scoring(word).VECTORS])
def test_a_scoring_over_vectors_has_its_embedder(indexed: Indexed, word: str) -> None:
    store, _ = indexed
    searcher = load_retriever(choose(indexed, word, "numpy"), store, Machine(threads=1))
    assert searcher.indexed.embedder.dimensions == 384
    assert searcher.indexed.embedder.count(["tea", "green tea"]) == [3, 4]
    searcher.close()


PROBE = """
import sys
from pathlib import Path
from components.application import load_retriever
from components.core import Machine, Retriever, Store
retriever = Retriever.model_validate_json(sys.argv[1])
searcher = load_retriever(retriever, Store(Path(sys.argv[2])), Machine(threads=1))
print(searcher.search(["What is the capital of France?"], 1)[0][0].passage)
"""


@pytest.mark.parametrize("word", NAMES)
def test_the_packages_that_a_scoring_names_are_enough(indexed: Indexed, word: str, tmp_path: Path) -> None:
    store, _ = indexed
    chosen = choose(indexed, word, "numpy")
    packages = scoring.scoring(word).PACKAGES
    assert said_with_only(packages, PROBE, chosen.model_dump_json(), str(store.root), folder=tmp_path) == ["paris"]


def test_a_signed_folder_with_a_vector_index_still_holds_after_it_was_served(
    indexed: Indexed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form that is made of the index goes into the workspace: a file more in the folder would break its signature."""
    monkeypatch.setenv("NINEFOLD_KEYS", str(tmp_path / "keys"))
    make_keys()
    store, retriever = indexed
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
    assert [path.name for path in workspace.store.derived.iterdir()] == [f"lance-{retriever.index}"]
