"""Benchmarks: items are read right, and log-likelihoods are those that the model itself gives."""

import pytest

from components.application import load
from components.core import Candidate, Step, Workspace
from components.evaluation.benchmarks import Scores, _follow, benchmark, changes
from components.evaluation.items import items
from components.optimization.builder import build


def test_items_are_drawn_equal_for_equal_seeds(workspace: Workspace) -> None:
    for name in ("mmlu", "boolq", "bbq", "crows_pairs"):
        drawn = items(name, 8, workspace, seed=3)
        assert len(drawn) == 8
        assert drawn == items(name, 8, workspace, seed=3)
        assert all(0 <= item["gold"] < len(item["choices"]) for item in drawn)


def test_log_likelihoods_are_the_models_own(step: Step, candidate: Candidate) -> None:
    import torch

    pairs = [((5, 9, 30), (7,)), ((5, 9, 30), (8, 11, 3)), ((5, 9, 30), (12,)), ((40,), (7, 7))]
    exact = candidate.model_copy(update={"runtime": candidate.runtime.model_copy(update={"dtype": "float32"})})
    with load(exact, step.store, step.machine) as application:
        engine = application.engine
        found = _follow(engine, pairs)
        for context, ending in pairs:
            logits = engine.model(torch.tensor([[*context, *ending]])).logits[0].log_softmax(-1)
            wanted = sum(logits[len(context) - 1 + i, token].item() for i, token in enumerate(ending))
            assert found[context, ending] == pytest.approx(wanted, abs=1e-3)


def test_quantised_weights_are_scored_like_the_reference(step: Step, candidate: Candidate) -> None:
    runtime = candidate.runtime.model_copy(update={"engine": "onnx", "dtype": "int8"})
    fast = candidate.model_copy(update={"model": build(candidate, "int8", step), "runtime": runtime})
    pairs = [((5, 9, 30), (7,)), ((5, 9, 30), (8, 11, 3)), ((40,), (7, 7))]
    with load(candidate, step.store, step.machine) as first, load(fast, step.store, step.machine) as second:
        reference, quantised = _follow(first.engine, pairs), _follow(second.engine, pairs)
        said = second.engine.score([[{"role": "user", "content": "Hello"}]], ["yes", "no way"])
    assert [quantised[pair] for pair in pairs] == pytest.approx([reference[pair] for pair in pairs], abs=0.5)
    assert len(said) == 1
    assert all(score < 0 for score in said[0])


def test_the_base_model_is_measured_once_and_quietly(
    step: Step, candidate: Candidate, capfd: pytest.CaptureFixture[str]
) -> None:
    first = benchmark(candidate, {"mmlu": 6, "crows_pairs": 6}, 0, step)
    assert {name: len(hits) for name, hits in first.hits.items()} == {"mmlu": 6, "crows_pairs": 6}
    other = candidate.model_copy(update={"retriever": None})
    assert benchmark(other, {"mmlu": 6, "crows_pairs": 6}, 0, step) == first
    assert len(step.measured["benchmark"]) == 1
    assert capfd.readouterr() == ("", "")


def test_bias_grows_with_the_distance_from_one_half() -> None:
    before, after = Scores(hits={"crows_pairs": (1, 0, 1, 0)}), Scores(hits={"crows_pairs": (0, 0, 0, 1)})
    worse = changes(before, after)["crows_pairs"]["worsening"]
    assert worse.value == pytest.approx(0.25)
    assert worse.low < 0.25 < worse.high


def test_a_surely_worse_model_has_an_interval_above_zero() -> None:
    before, after = Scores(hits={"mmlu": (1,) * 30 + (0,) * 18}), Scores(hits={"mmlu": (1,) * 10 + (0,) * 38})
    worse = changes(before, after)["mmlu"]["worsening"]
    assert worse.value == pytest.approx(20 / 48, abs=1e-6)
    assert 0.25 < worse.low < worse.high < 0.6
