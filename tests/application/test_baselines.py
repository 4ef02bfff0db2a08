from collections.abc import Callable

import pytest

from components.application import answering, constant, load
from components.application.baselines import names, reads_input
from components.core import BadInput, Baseline, Candidate, Retriever, Row, Runtime, Step, Task


def plain(baseline: Baseline, **more: object) -> Candidate:
    task = more.pop("task", "question_answering")
    return Candidate(task=task, runtime=Runtime(engine="baseline"), baseline=baseline, **more)


def test_a_baseline_that_answers_whatever_is_asked_says_so() -> None:
    blind = [name for name in names() if not reads_input(plain(Baseline(kind=name)))]
    assert blind == ["constant", "shuffled"]


def test_constant_always_says_the_same(rows: list[Row], step: Step) -> None:
    task = Task(kind="question_answering", instruction="Answer.", abstain="unknown")
    with answering(constant(task, "unknown"), step.store, step.machine) as answer:
        assert {found.text for found in answer(rows)} == {"unknown"}


def test_best_sentence_answers_from_the_best_passage_or_abstains(knowledge: str, rows: list[Row], step: Step) -> None:
    retriever = Retriever(scoring="bm25", knowledge=knowledge)
    with load(
        plain(Baseline(kind="best_sentence"), abstain="unknown", retriever=retriever), step.store, step.machine
    ) as app:
        assert app.answer(rows)[3].text == "The Normans came to England in 1066."
        assert app.answer([Row(id="x", text="zzz", answer="")])[0].text == "unknown"
        scores = [answer.scores[0] for answer in app.answer(rows)]
    unsure = plain(Baseline(kind="best_sentence", abstain_below=max(scores)), abstain="unknown", retriever=retriever)
    with load(unsure, step.store, step.machine) as app:
        assert sum(answer.text == "unknown" for answer in app.answer(rows)) == len(rows) - 1


def test_lead_sentences_take_the_start(step: Step) -> None:
    lead = plain(Baseline(kind="lead_sentences", sentences=2), task="summarization")
    with load(lead, step.store, step.machine) as app:
        assert app.answer([Row(id="a", text="One. Two! Three?", answer="")])[0].text == "One. Two!"


def test_a_linear_model_is_loaded_from_skops(step: Step) -> None:
    import skops.io
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model.fit(["good film", "good story", "bad film", "bad story"], ["positive", "positive", "negative", "negative"])
    skops.io.dump(model, step.scratch / "linear.skops")
    baseline = Baseline(kind="tfidf_linear", object=step.store.put(step.scratch / "linear.skops"))
    judge = plain(baseline, task="classification", labels=("positive", "negative"))
    with load(judge, step.store, step.machine) as app:
        assert [
            a.text for a in app.answer([Row(id="a", text="a good one", answer=""), Row(id="b", text="bad", answer="")])
        ] == [
            "positive",
            "negative",
        ]


def shout(text: str) -> str:
    return text.upper()


def test_a_linear_model_that_names_foreign_code_is_refused(step: Step) -> None:
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    function: Callable[[str], str] = shout
    skops.io.dump(FunctionTransformer(function), step.scratch / "foreign.skops")
    baseline = Baseline(kind="tfidf_linear", object=step.store.put(step.scratch / "foreign.skops"))
    with pytest.raises(BadInput, match="shout"):
        load(plain(baseline, task="classification", labels=("a", "b")), step.store, step.machine)


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate(task="question_answering", runtime=Runtime(engine="baseline")),
        Candidate(task="question_answering", runtime=Runtime(engine="transformers"), baseline=Baseline(kind="constant")),
    ],
)
def test_a_candidate_that_does_not_fit_together_is_refused(candidate: Candidate, step: Step) -> None:
    with pytest.raises(BadInput):
        load(candidate, step.store, step.machine)
