import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core import Row, Task
from components.measure import METRICS, normalise, per_example
from components.measure.metrics.bleu import bleu
from components.measure.metrics.f1 import f1
from components.measure.metrics.hits import reciprocal_rank
from components.measure.metrics.rouge import rouge

QA = Task(kind="question_answering", instruction="Answer.", abstain="unknown")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The Earth ' s atmosphere.", "earth s atmosphere"), ("Earth's Atmosphere", "earth s atmosphere"), ("A  an the", "")],
)
def test_normalisation_ignores_case_articles_punctuation_and_spacing(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("the Romantic Rhine", "Romantic Rhine", 1.0),
        ("in 1629", "1629", 2 / 3),
        ("red red blue", "red blue blue", 2 / 3),
        ("Paris", "London", 0.0),
        ("", "London", 0.0),
        ("", "the", 1.0),
    ],
)
def test_token_f1_against_values_by_hand(answer: str, reference: str, expected: float) -> None:
    assert f1(answer, reference) == pytest.approx(expected)


@given(st.text(max_size=40), st.text(max_size=40))
def test_f1_is_symmetric_and_bounded_and_one_on_equal_texts(first: str, second: str) -> None:
    assert f1(first, second) == f1(second, first)
    assert 0 <= f1(first, second) <= 1
    assert f1(first, first) == 1


def test_rouge_and_bleu_against_values_by_hand() -> None:
    # ROUGE-1: 2 of 3 and 2 of 4 words shared; ROUGE-2: one pair of 2 and of 3; the longest common subsequence is 2
    assert rouge("the cat sat", "the cat is here", "rouge1") == pytest.approx(2 * 2 / (3 + 4))
    assert rouge("the cat sat", "the cat is here", "rouge2") == pytest.approx(2 * 1 / (2 + 3))
    assert rouge("the cat sat", "the cat is here", "rougeL") == pytest.approx(2 * 2 / (3 + 4))
    assert bleu("the cat is on the mat", "the cat is on the mat") == pytest.approx(1)
    assert bleu("dog", "cat") == 0


def test_an_answerable_row_has_no_abstention_recall_and_an_unanswerable_one_no_answerable_f1() -> None:
    answerable = Row(id="a", text="q", answer="Paris", passage="p")
    found = per_example(QA, answerable, "unknown", ["x", "p"])
    assert found["f1_answerable"] == found["f1"] == 0
    assert found["abstention_recall"] is None
    assert found["abstention_precision"] == 0
    assert found["abstention_rate"] == 1
    assert (found["hit@1"], found["hit@5"], found["mrr"]) == (0, 1, 0.5)
    unanswerable = Row(id="b", text="q", answer="unknown", passage="p")
    found = per_example(QA, unanswerable, "Unknown.", None)
    assert (found["f1"], found["f1_answerable"]) == (1, None)
    assert (found["abstention_recall"], found["abstention_precision"]) == (1, 1)
    assert found["hit@1"] is None, "nothing was searched"
    assert per_example(QA, unanswerable, "x", [])["hit@1"] == 0, "nothing was found"
    assert per_example(QA, unanswerable, "Paris", [])["abstention_precision"] is None


def test_the_sixth_passage_is_no_hit_at_five() -> None:
    passages = ["a", "b", "c", "d", "e"]
    assert reciprocal_rank(passages, "e") == 0.2
    assert per_example(QA, Row(id="a", text="q", answer="x", passage="e"), "x", passages)["hit@5"] == 1
    assert per_example(QA, Row(id="a", text="q", answer="x", passage="z"), "x", passages)["hit@5"] == 0


def test_every_task_kind_has_the_metrics_that_are_promised() -> None:
    row = Row(id="a", text="t", answer="positive", passage="p")
    for kind, labels in (("question_answering", ()), ("classification", ("positive", "negative")), ("summarization", ())):
        found = per_example(Task(kind=kind, instruction="Do.", labels=labels), row, "positive", ["p"])
        assert set(METRICS[kind]) == set(found) | ({"macro_f1"} if kind == "classification" else set())
