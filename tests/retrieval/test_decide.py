"""A way to search is taken for better answers, or for better contexts when the answers are not worse."""

import pytest

from components.core import Evidence, Metric, write_jsonl
from components.retrieval.decide import decide
from tests.retrieval.small import METRICS, step_in

N = 60


@pytest.fixture
def step(tmp_path):
    return step_in(tmp_path)


def evidence(step, name: str, values: list[float]) -> Evidence:
    path = step.scratch / f"{name}.jsonl"
    write_jsonl(path, [{"id": str(i), "f1_answerable": value} for i, value in enumerate(values)])
    table = step.store.put(path)
    value = Metric(value=sum(values) / N, n=N)
    return Evidence(candidate=name, split="validation", split_object="x", table=table, metrics={"f1_answerable": value})


def contexts(good: int) -> list[dict]:
    return [{"id": str(i), "support": float(i < good), "hit@1": 1.0, "words": 90} for i in range(N)]


def decided(step, before: list[float], after: list[float], contexts_before: int, contexts_after: int):
    both = {"at hand": evidence(step, "at hand", before), "proposed": evidence(step, "proposed", after)}
    return decide(METRICS, both, contexts(contexts_before), contexts(contexts_after), "hybrid, top 2", step.store)


def test_better_answers_are_adopted(step):
    found = decided(step, [0.0] * N, [0.0, 1.0] * (N // 2), 40, 40)
    assert found.adopted
    assert found.comparison.metric == "f1_answerable"


def test_better_contexts_are_adopted_when_the_reader_does_not_use_them_yet(step):
    found = decided(step, [0.0] * N, [0.0] * N, 40, 55)
    assert found.adopted
    assert found.comparison.metric == "support"
    assert found.comparison.gain.value == pytest.approx(0.25)


def test_better_contexts_with_worse_answers_are_not(step):
    found = decided(step, [0.0, 1.0] * (N // 2), [0.0] * N, 40, 55)
    assert found.verdict == "keep"
    assert "worse" in found.reason


def test_better_contexts_are_not_taken_where_the_primary_metric_falls_by_a_little(step):
    found = decided(step, [0.0, 1.0] * (N // 2), [0.0, 1.0] * (N // 2 - 2) + [0.0] * 4, 40, 55)
    assert found.verdict == "keep"
    assert found.reason.endswith("f1_answerable -0.033: f1_answerable gets worse")


def test_no_difference_is_kept_and_a_small_one_is_not_enough(step):
    same = [0.0] * N
    assert decided(step, same, same, 40, 40).verdict == "keep"
    assert decided(step, same, same, 40, 41).verdict == "not enough evidence"
