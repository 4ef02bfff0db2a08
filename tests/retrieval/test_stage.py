"""The stage finds the passages, names its reasons, and repeats itself digest for digest."""

import pytest

from components.application import load
from components.application.scoring import rerank
from components.core import BadInput, Retriever, Row, parse
from components.retrieval import Config, options, retrieve, stage
from components.retrieval.decide import decide
from components.retrieval.hits import means, score
from tests.retrieval.small import METRICS, TASK, candidate, dataset, split, step_in

SCORINGS = ("bm25", "vector", "rrf", "convex")
CONFIG = Config(chunk_words=60, scoring=SCORINGS, context_words=200)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    step = step_in(tmp_path_factory.mktemp("retrieval"))
    data = dataset(step)
    at_hand = candidate(data, step)
    given = {"task": TASK, "metrics": METRICS, "candidate": at_hand, "dataset": data}
    return step, given, retrieve(CONFIG, **given, step=step)


def test_every_option_finds_the_places_by_name(run):
    _, _, found = run
    assert set(found.hits) == {f"{scoring}, top {top_k}" for scoring in SCORINGS for top_k in (1, 2)}
    for name, figures in found.hits.items():
        assert figures["hit@5"] == 1, name
        assert figures["mrr"] > 0.6, name


def test_two_chunks_hold_the_answer_at_least_as_often_as_one(run):
    _, _, found = run
    for scoring in SCORINGS:
        assert found.hits[f"{scoring}, top 2"]["support"] >= found.hits[f"{scoring}, top 1"]["support"]


def test_the_gain_over_closed_book_is_measured(run):
    _, _, found = run
    assert found.gain.over == "closed book"
    assert found.gain.metric == "f1_answerable"


def test_questions_that_name_no_passage_are_judged_by_their_answers(tmp_path):
    step = step_in(tmp_path)
    data = dataset(step)
    at_hand = candidate(data, step)
    bare = {
        name: split(name, [row.model_copy(update={"passage": None}) for row in data.rows(name, step.store)], step)
        for name in data.splits
    }
    data = data.model_copy(update={"splits": bare})
    config = CONFIG.model_copy(update={"scoring": ("bm25",)})
    found = retrieve(config, task=TASK, metrics=METRICS, candidate=at_hand, dataset=data, step=step)
    assert set(found.hits["bm25, top 1"]) == {"support", "words"}
    assert found.hits["bm25, top 2"]["support"] > 0.5


def test_what_goes_on_can_be_loaded_and_names_its_passages(run):
    step, _, found = run
    proposed = found.candidate.model_copy(
        update={
            "retriever": Retriever(
                scoring="convex",
                store="numpy",
                knowledge=found.index.knowledge,
                top_k=2,
                index=found.index.object,
                embedder=_embedder(found, step),
            )
        }
    )
    with load(proposed, step.store, step.machine) as application:
        (answer,) = application.answer([Row(id="q", text="which river flows through Lima", answer="")])
    assert answer.passages[0] == "Lima"
    assert len(answer.context) == 2


def test_a_repeated_stage_gives_the_same_digest(run, tmp_path):
    _, _, found = run
    step = step_in(tmp_path)
    data = dataset(step)
    again = retrieve(CONFIG, task=TASK, metrics=METRICS, candidate=candidate(data, step), dataset=data, step=step)
    assert again.digest == found.digest


def test_answers_that_settle_nothing_are_looked_at_on_training_rows_too(run, tmp_path, monkeypatch):
    seen = []

    def unsettled(metrics, evidence, *given):
        seen.append([one.split for one in evidence.values()])
        return decide(metrics, evidence, *given).model_copy(update={"verdict": "not enough evidence"})

    monkeypatch.setattr(stage, "decide", unsettled)
    _, _, first = run
    step = step_in(tmp_path)
    data = dataset(step)
    config = CONFIG.model_copy(update={"rows": 4})
    found = retrieve(config, task=TASK, metrics=METRICS, candidate=candidate(data, step), dataset=data, step=step)
    assert found.proposed != candidate(data, step), "another way to search is compared"
    assert seen == [[name] * 2 for name in ("validation[:4]", "validation and train[:8]", "validation and train")]
    assert found.decision.reason.endswith("(look 3 of 3, on 14 of at most 14 rows, at a level of 0.017 each)")
    assert found.gain.gain.n <= 4, "closed book is asked for the rows of the first look"
    assert found.hits == first.hits


def test_a_scoring_that_learns_is_fitted_on_train_and_compared_on_other_questions(tmp_path, monkeypatch):
    """Eight training rows: enough here, where the least is set so low."""
    step = step_in(tmp_path)
    data = dataset(step)
    at_hand = candidate(data, step)
    given = {"task": TASK, "metrics": METRICS, "candidate": at_hand, "dataset": data, "step": step}
    config = CONFIG.model_copy(update={"scoring": ("convex", "rerank")})
    few = retrieve(config, **given)
    assert few.hits.keys() == {"convex, top 1", "convex, top 2", "bm25, top 1 (at hand)"}
    assert "rerank: left out, too few training questions name a passage that was found" in few.notes
    alone = config.model_copy(update={"scoring": ("rerank",)})
    bare = {**given, "candidate": at_hand.model_copy(update={"retriever": None})}
    with pytest.raises(BadInput, match="list another scoring beside it"):
        retrieve(alone, **bare)
    monkeypatch.setattr(rerank, "FEWEST", 4)
    asked = []
    monkeypatch.setattr(
        options, "score", lambda task, rows, *rest, **more: asked.append(rows) or score(task, rows, *rest, **more)
    )
    found = retrieve(alone, **given)
    assert {row.id for rows in asked for row in rows} == {row.id for row in data.rows("validation", step.store)}
    assert found.proposed.retriever.scoring == "rerank"
    assert found.proposed.retriever.fitted in found.objects
    assert "training" not in found.decision.reason
    with load(found.proposed, step.store, step.machine) as application:
        (answer,) = application.answer([Row(id="q", text="which river flows through Lima", answer="")])
    assert answer.passages[0] == "Lima"


def test_a_scoring_that_learns_is_not_compared_on_training_questions_alone():
    config = Config(scoring=("bm25", "rerank"), questions=("train",))
    with pytest.raises(BadInput, match=r"retrieval\.questions: scoring 'rerank' is fitted on train"):
        stage.check_settings(config, None)


def test_support_needs_whole_words_and_leaves_out_the_unanswerable():
    from components.application import Hit

    rows = [
        Row(id="1", text="", answer="Nile", passage="a"),
        Row(id="2", text="", answer="le", passage="b"),
        Row(id="3", text="", answer="unknown", passage="a"),
    ]
    hits = [Hit(passage="a", text="The river Nile, unknown to us.", score=1.0)]
    table = score(TASK, rows, [hits] * 3, 1)
    assert [row["support"] for row in table] == [1.0, 0.0, None]
    assert means(table)["hit@1"] == pytest.approx(2 / 3, abs=1e-3)


def _embedder(found, step):
    from components.application import checkpoint

    return checkpoint(CONFIG.embedder, CONFIG.embedder_name, CONFIG.embedder_licence, step)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scoring": ["bm25", "tfidf"]}, "'tfidf' is not known; allowed: bm25, convex, rerank, rrf, vector"),
        ({"store": "faiss"}, "'faiss' is not known; allowed: .*lance, numpy"),
    ],
)
def test_a_word_that_names_no_file_is_refused_with_those_that_do(given, said):
    with pytest.raises(BadInput, match=f"section 'retrieval': key '{next(iter(given))}': {said}"):
        parse(Config, given, "section 'retrieval'")


def test_the_old_word_for_scoring_is_refused_and_names_the_new():
    with pytest.raises(ValueError, match=r"'modes' is now 'scoring', and its 'hybrid' is 'rrf'"):
        Config.model_validate({"modes": ["hybrid"]})
