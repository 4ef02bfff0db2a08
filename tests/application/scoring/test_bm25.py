"""BM25 over passages."""

from components.application import load_retriever
from components.core import Retriever, Step, write_jsonl
from tests.application.conftest import PASSAGES


def test_bm25_finds_the_passage_and_leaves_out_what_shares_no_word(knowledge: str, step: Step) -> None:
    searcher = load_retriever(Retriever(scoring="bm25", knowledge=knowledge), step.store, step.machine)
    found, nothing = searcher.search(["What is the capital of France?", "???"], top_k=5)
    assert [(hit.passage, hit.score) for hit in found] == [("paris", 0.582608)], "the score as first released"
    assert found[0].text == PASSAGES[1].text
    assert nothing == []


def test_equal_scores_keep_the_stored_order(step: Step) -> None:
    passages = [{"id": f"p{i}", "text": "the same words"} for i in range(8)]
    write_jsonl(step.scratch / "same.jsonl", passages)
    searcher = load_retriever(
        Retriever(scoring="bm25", knowledge=step.store.put(step.scratch / "same.jsonl")), step.store, step.machine
    )
    assert [hit.passage for hit in searcher.search(["same words"], top_k=4)[0]] == ["p0", "p1", "p2", "p3"]
