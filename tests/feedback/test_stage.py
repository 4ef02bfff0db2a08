"""Feedback goes through the durable store, and the pairs depend on the inputs alone."""

import pytest

from components.core import Feedback, FeedbackStore, MachineFault, Policy, read_jsonl
from components.feedback import Config, collect
from components.feedback.pairs import HELD_OUT
from tests.retrieval.small import TASK, candidate, dataset, split, step_in

CONFIG = Config(minimum_pairs=1, consent_share=0.5, source_share=1)
"""Without the cap on sources, which tests/feedback/test_caps.py and test_poisoned_log.py hold."""


def real(number: int) -> Feedback:
    return Feedback(
        kind="correction",
        answer_id=f"chatcmpl-{number}",
        model="desk",
        question=f"what is the phone number {number}",
        answer="Rome",
        text="write to jane.doe@example.org or ask the desk",
        consent=True,
        by=f"caller {number}",
    )


@pytest.fixture
def given(tmp_path):
    step = step_in(tmp_path)
    data = dataset(step)
    return {
        "task": TASK,
        "policy": Policy(),
        "candidate": candidate(data, step),
        "dataset": data,
        "step": step,
        "model": "desk",
    }


def test_the_simulated_rater_writes_and_every_pair_says_so(given):
    found = collect(CONFIG, **given)
    store = FeedbackStore(given["step"].workspace.feedback)
    assert store.count(simulated=True) == found.counts["simulated"] >= 8
    assert store.count(simulated=False) == 0
    rows = read_jsonl(given["step"].store.file(found.pairs.object))
    assert len(rows) == found.pairs.count == found.counts["pairs"] >= 1
    assert all(row["simulated"] and row["chosen"] != row["rejected"] for row in rows)
    assert {row["origin"] for row in rows} == {"programmatic"}, "a program judged what people wrote"
    assert found.counts["no consent"] > 0
    held_out = {"Sofia", "Bern"}
    assert not any(passage["id"] in held_out for row in rows for passage in row["passages"])


def test_a_repeat_adds_nothing_and_gives_the_same_digest_whatever_came_in_between(given):
    first = collect(CONFIG, **given)
    store = FeedbackStore(given["step"].workspace.feedback)
    store.add(real(1))
    assert collect(CONFIG, **given).digest == first.digest
    assert store.count(simulated=True) == first.counts["simulated"]


def test_real_feedback_up_to_the_mark_joins_scrubbed(given):
    store = FeedbackStore(given["step"].workspace.feedback)
    store.add(real(1))
    mark = store.mark("desk")
    store.add(real(2))
    found = collect(CONFIG, **given, gathered=mark)
    (row,) = [row for row in read_jsonl(given["step"].store.file(found.pairs.object)) if not row["simulated"]]
    assert found.counts["real"] == 1
    assert row["chosen"] == "write to <EMAIL_ADDRESS> or ask the desk"


def test_a_caller_who_asks_a_test_question_in_other_words_trains_nothing(given):
    store, step = FeedbackStore(given["step"].workspace.feedback), given["step"]
    (asked, *_) = [row for row in given["dataset"].rows("validation", step.store) if row.answer != TASK.abstain]
    turned = " ".join(reversed(asked.text.rstrip("?").split()))
    store.add(real(1).model_copy(update={"id": "turned", "question": f"please tell me {turned}?", "text": asked.answer}))
    before = collect(CONFIG, **given).counts[HELD_OUT]
    found = collect(CONFIG, **given, gathered=store.mark("desk"))
    assert found.counts[HELD_OUT] == before + 1
    assert all(row["simulated"] for row in read_jsonl(step.store.file(found.pairs.object)))


@pytest.mark.parametrize("wrap", ["{}", "Please answer the following question: {}. Keep it brief."])
def test_a_caller_who_corrects_to_a_benchmarks_answer_trains_nothing(given, wrap):
    store, step = FeedbackStore(given["step"].workspace.feedback), given["step"]
    asked = [
        ("who sings the oldest song of the harbour", "Brunhilde"),
        ("when was the salt tax of the northern wall lifted", "in 1953"),
    ]
    items = [
        {"where": "benchmark NQ", "id": str(at), "question": said, "answer": told} for at, (said, told) in enumerate(asked)
    ]
    for at, (said, told) in enumerate(asked):
        store.add(real(at).model_copy(update={"question": wrap.format(said), "text": told}))
    store.add(real(7))
    held = given["dataset"].model_copy(update={"benchmark_items": split("benchmark_items", items, step)})
    before = collect(CONFIG, **given).counts[HELD_OUT]
    found = collect(CONFIG, **(given | {"dataset": held}), gathered=store.mark("desk"))
    assert found.counts[HELD_OUT] == before + 2
    assert [row["text"] for row in read_jsonl(step.store.file(found.pairs.object)) if not row["simulated"]] == [
        real(7).question
    ]


def test_a_mark_that_the_store_does_not_hold_stops_the_stage(given):
    with pytest.raises(MachineFault, match="run again"):
        collect(CONFIG, **given, gathered="3:abc")


def test_too_few_pairs_are_not_handed_on(given):
    found = collect(Config(minimum_pairs=100), **given)
    assert found.pairs is None
    assert found.decision.verdict == "not enough evidence"
