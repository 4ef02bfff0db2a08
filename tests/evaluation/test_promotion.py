"""The promotion decision: each condition of the contract stops a release, and the reason names the figure that decided."""

import pytest
from pydantic import ValidationError

from components.application.single_requests import Requests
from components.core import BadInput, Comparison, Decision, Evidence, Limits, Metric, Metrics, Policy
from components.evaluation.promotion import Figures, check_bounds, decide
from components.measure import Bound, SliceGain
from components.measure.bounds import failing, floor, not_worse, worsening

METRICS = Metrics(primary="f1_answerable", at_least=0.3, minimum_effect=0.02, floors={"abstention_recall": 0.3})
LIMITS = Limits(latency_p95_seconds=2, memory_gb=4, cost_per_1000_answers=1)
POLICY = Policy(bias_at_most={"crows_pairs": 0.1})


@pytest.mark.parametrize("bound", [float("nan"), 8, -0.1])
def test_a_bound_that_could_never_bind_is_refused(bound):
    with pytest.raises(ValidationError, match="crows_pairs"):
        Policy(bias_at_most={"crows_pairs": bound})


def _worse(name: str, value: float, bound: float, n: int = 100) -> Bound:
    """A worsening by `value` on `n` items."""
    return worsening(name, [0.0] * n, [1.0] * round(value * n) + [0.0] * round(n - value * n), bound)


def _floor(value: float, least: float = 0.3, n: int = 60) -> Bound:
    rows = [{"abstention_recall": float(i < value * n)} for i in range(n)]
    found = floor(rows, "abstention_recall", least)
    assert found
    return found


def _figures(
    f1: float = 0.4, recall: float = 0.5, verdict: str = "adopt", p95: float = 1, memory: float = 1, cost: float = 0.1,
    worsening: float = 0.0,
) -> Figures:  # fmt: skip
    comparison = Comparison(
        metric="f1_answerable",
        over="base model",
        before=0.2,
        after=f1,
        gain=Metric(value=f1 - 0.2, low=0.05, high=0.3, n=180),
        p_value=0.004,
    )
    metrics = {"f1_answerable": Metric(value=f1, n=180), "abstention_recall": Metric(value=recall, n=60)}
    before, after = Metric(value=0.6, n=48), Metric(value=0.6 + worsening, n=48)
    return Figures(
        evidence=Evidence(candidate="c", split="test", split_object="s", table="t", metrics=metrics),
        gain=Decision(verdict=verdict, reason="f1_answerable 0.200 → 0.400 over base model", comparison=comparison),
        bounds=(_floor(recall), _worse("crows_pairs", worsening, 0.1)),
        changes={"crows_pairs": {"before": before, "after": after, "worsening": Metric(value=worsening, n=48)}},
        slices_over="base model",
        requests=Requests(p50=p95, p95=p95, mean=p95, n=12, memory_gb=memory, processor=p95),
        cost=cost,
    )


def test_a_candidate_that_meets_everything_is_adopted() -> None:
    decision, failed = decide(_figures(), METRICS, POLICY, LIMITS)
    assert decision.adopted
    assert failed == ()
    assert "f1_answerable 0.400 on test reaches 0.3, +0.200 [+0.050, +0.300], p = 0.004 over base model" in decision.reason


@pytest.mark.parametrize(
    ("change", "verdict", "said"),
    [
        ({"f1": 0.29}, "keep", "f1_answerable 0.290 on test is below the release threshold of 0.3"),
        ({"recall": 0.2}, "keep", "abstention_recall 0.200 on test is below its floor of 0.3"),
        ({"verdict": "keep"}, "keep", "over base model"),
        ({"verdict": "not enough evidence"}, "not enough evidence", "over base model"),
        ({"p95": 2.5}, "keep", "latency_p95_seconds is 2.5, over the contract's limit of 2"),
        ({"memory": 5}, "keep", "memory_gb is 5, over the contract's limit of 4"),
        ({"cost": 1.5}, "keep", "cost_per_1000_answers is 1.5, over the contract's limit of 1"),
        ({"worsening": 0.15}, "keep", "crows_pairs worsens by 0.150 (0.600 → 0.750), over the bound of 0.1"),
    ],
)
def test_each_condition_stops_a_release(change: dict, verdict: str, said: str) -> None:
    decision, failed = decide(_figures(**change), METRICS, POLICY, LIMITS)
    assert decision.verdict == verdict
    assert said in decision.reason
    assert failed == (decision.reason,)


def _lost(worse: int, n: int) -> Figures:
    """Figures of a faster form that is wrong on `worse` of `n` rows that the form before it has right."""
    before = [{"id": str(i), "f1_answerable": 1.0} for i in range(n)]
    after = [{**row, "f1_answerable": float(i >= worse)} for i, row in enumerate(before)]
    found = _figures()
    return found.model_copy(update={"bounds": (not_worse("f1_answerable", before, after, 0.05), *found.bounds)})


def test_a_faster_form_is_released_only_where_it_is_shown_to_be_as_good() -> None:
    decision, _ = decide(_lost(13, 171), METRICS, POLICY, LIMITS)
    assert decision.verdict == "keep"
    assert decision.reason == (
        "on test it is not shown to be as good as before optimization: "
        "f1_answerable worsens by +0.076 of 171 items, at most 0.05 asked: broken (optimization.worse_at_most)"
    )
    decision, _ = decide(_lost(5, 171), METRICS, POLICY, LIMITS)
    assert decision.verdict == "not enough evidence", "5 of 171 may be 6 % of all"
    assert "not shown, up to +0.060 is not excluded" in decision.reason
    assert decide(_lost(3, 171), METRICS, POLICY, LIMITS)[0].adopted
    assert not decide(_lost(0, 40), METRICS, POLICY, LIMITS)[0].adopted, "forty equal rows do not exclude 7 %"


def _slice(verdict: str, margin: float | None = 0.05, rows: int | None = 310) -> dict[str, dict[str, SliceGain]]:
    gain = Metric(value=-0.04, low=-0.2, high=0.1, n=40)
    figures = {"metric": "f1_answerable", "before": 0.34, "after": 0.3, "gain": gain, "p_value": 0.41}
    return {"length": {"short": SliceGain(**figures, margin=margin, verdict=verdict, rows=rows)}}


def test_a_slice_that_is_surely_worse_stops_a_release() -> None:
    found = _figures().model_copy(update={"slice_gains": _slice("worse")})
    decision, _ = decide(found, METRICS, POLICY, LIMITS)
    assert decision.verdict == "keep"
    assert decision.reason == (
        "length = short: f1_answerable -0.040 [-0.200, +0.100], n = 40: surely worse than the bound of 0.05 allows"
    )


def test_a_slice_with_too_few_rows_is_no_pass_and_says_how_many_would_do() -> None:
    found = _figures().model_copy(update={"slice_gains": _slice("not enough evidence")})
    decision, _ = decide(found, METRICS, POLICY, LIMITS)
    assert decision.verdict == "not enough evidence"
    assert (
        "not enough evidence that it is worse by less than 0.05 (p = 0.41); about 310 such rows would do" in decision.reason
    )


def test_a_margin_on_a_slice_that_no_row_has_is_no_pass() -> None:
    bounded = METRICS.model_copy(update={"slices_worse_at_most": {"length": 0.05}})
    decision, _ = decide(_figures(), bounded, POLICY, LIMITS)
    assert decision.verdict == "not enough evidence"
    assert "no row of test has the slice 'length'" in decision.reason


@pytest.mark.parametrize(("verdict", "margin"), [("not worse", 0.05), ("worse", None), ("not enough evidence", None)])
def test_a_slice_within_its_margin_or_without_one_stops_nothing(verdict: str, margin: float | None) -> None:
    found = _figures().model_copy(update={"slice_gains": _slice(verdict, margin)})
    assert decide(found, METRICS, POLICY, LIMITS)[0].adopted
    bounded = METRICS.model_copy(update={"slices_worse_at_most": {"length": 0.05}})
    assert decide(found, bounded, POLICY, LIMITS)[0].reason.endswith("floors, limits, slices and bias bounds hold")


def test_a_bound_on_what_is_left_out_is_refused() -> None:
    with pytest.raises(BadInput, match=r"bounds 'crows_pairs', but evaluation\.benchmarks\.crows_pairs is 0"):
        check_bounds(POLICY, {"mmlu": 8}, {})


def test_a_worsening_that_nobody_measured_is_no_pass_and_says_what_to_do() -> None:
    why = "what it was made from is not known (ninefold register --made-from)"
    bounds = (_floor(0.5),)
    found = _figures().model_copy(update={"bounds": bounds, "changes": {}, "unmeasured": {"crows_pairs": why}})
    decision, failed = decide(found, METRICS, POLICY, LIMITS)
    assert decision.verdict == "not enough evidence"
    assert failed == (f"worsening on crows_pairs was not measured, and the contract bounds it: {why}",)
    only_after = _figures().model_copy(
        update={"bounds": bounds, "changes": {"crows_pairs": {"after": Metric(value=0.5, n=48)}}}
    )
    assert decide(only_after, METRICS, POLICY, LIMITS)[0].verdict == "not enough evidence"


def test_a_plain_baseline_has_nothing_that_can_worsen() -> None:
    found = _figures().model_copy(update={"bounds": (_floor(0.5),), "changes": {}, "can_worsen": False})
    decision, _ = decide(found, METRICS, POLICY, LIMITS)
    assert decision.adopted
    assert decision.reason.endswith("floors and limits hold; without a model nothing can worsen")


@pytest.mark.parametrize("key", ["bias_at_most", "failing_at_most"])
def test_what_cannot_fail_stops_nothing_and_what_was_not_measured_does(key: str) -> None:
    bounded, found = Policy(**{key: {"canaries": 0}}), _figures()
    assert decide(found, METRICS, bounded, LIMITS)[0].verdict == "not enough evidence"
    cannot_fail = found.model_copy(update={"inapplicable": ("canaries",)})
    assert decide(cannot_fail, METRICS, bounded, LIMITS)[0].adopted


@pytest.mark.parametrize(("worse", "stops"), [(0.25, True), (0.0, False)])
def test_a_check_that_worsens_beyond_its_bound_stops_a_release(worse: float, stops: bool) -> None:
    change = {name: Metric(value=value, n=48) for name, value in (("before", 0), ("after", worse), ("worsening", worse))}
    bounds = (_floor(0.5), _worse("toxicity", worse, 0.05))
    found = _figures().model_copy(update={"bounds": bounds, "changes": {"toxicity": change}})
    decision, failed = decide(found, METRICS, Policy(bias_at_most={"toxicity": 0.05}), LIMITS)
    assert decision.adopted is not stops
    assert failed == (("toxicity worsens by 0.250 (0.000 → 0.250), over the bound of 0.05",) if stops else ())


def _toxic(share: float, n: int, bound: float) -> Bound:
    return failing("toxicity", [1.0] * round(share * n) + [0.0] * round(n - share * n), bound)


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        (_worse("toxicity", 0, 0.05, n=32), "toxicity (up to +0.089, at most 0.05 asked)"),
        (_toxic(0, 4, 0), "toxicity (up to 0.527, at most 0 asked)"),
        (_toxic(0, 32, 0.05), "toxicity (up to 0.089, at most 0.05 asked)"),
    ],
)
def test_what_is_not_shown_is_released_only_where_the_contract_allows_it(bound: Bound, said: str) -> None:
    found = _figures().model_copy(update={"bounds": (_floor(0.5), bound), "changes": {}})
    allowed = Policy(**{bound.key: {"toxicity": bound.bound}})
    decision, _ = decide(found, METRICS, allowed, LIMITS)
    assert decision.adopted
    assert decision.reason.endswith(f"limits hold; of 2 bounds 1 holds, not shown: {said}")
    decision, failed = decide(found, METRICS, allowed.model_copy(update={"not_shown": "refuse"}), LIMITS)
    assert decision.verdict == "not enough evidence"
    assert "not shown, up to" in decision.reason
    assert failed == (decision.reason,)


def test_a_floor_that_the_rows_do_not_show_is_refused_where_the_contract_asks_for_it() -> None:
    found = _figures().model_copy(update={"bounds": (_floor(0.35), _worse("crows_pairs", 0, 0.1))})
    assert decide(found, METRICS, POLICY, LIMITS)[0].adopted
    decision, _ = decide(found, METRICS, POLICY.model_copy(update={"not_shown": "refuse"}), LIMITS)
    assert decision.verdict == "not enough evidence"
    assert "abstention_recall is 0.350 of 60 items, at least 0.3 asked: not shown, down to 0.248" in decision.reason
