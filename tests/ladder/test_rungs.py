"""Which rungs a ladder may list, when one meets the contract, and how a run's rungs are shown."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.cards import markdown, read_record
from components.cards.annexes import nist_rmf
from components.cards.figures import made_rows, trainings
from components.core import Decision, Evidence, Metric, Metrics, Prices, StageResult
from components.core.code import ROOT
from components.core.use_case import STAGES
from components.ladder import STAGE, Config, NotClimbed, known, measure_rung, rows, technique_of
from components.ladder.stage import decide
from components.selection import Config as Selection
from components.selection import select
from components.training import TECHNIQUES
from flows.steps import Done
from flows.summary import _stage
from tests.selection.small import LIMITS, POLICY, reviews, step_in

METRICS = Metrics(primary="accuracy", at_least=0.5, enough=0.7, floors={"macro_f1": 0.6})


def evidence(value: float, low: float | None, high: float | None, macro: float | None = 0.8) -> Evidence:
    figures = {"accuracy": Metric(value=value, low=low, high=high, n=80)}
    if macro is not None:
        figures["macro_f1"] = Metric(value=macro, n=80)
    return Evidence(candidate="c", split="validation", split_object="s", table="t", metrics=figures)


@pytest.mark.parametrize(
    ("found", "verdict", "said"),
    [
        (evidence(0.8, 0.71, 0.88), "adopt", "all of the interval reaches 0.7, which is enough"),
        (evidence(0.8, 0.7, 0.88), "adopt", "accuracy 0.800 [0.700, 0.880]"),
        (evidence(0.8, 0.69, 0.88), "not enough evidence", "its interval begins below: 80 rows do not show it"),
        (evidence(0.8, None, None), "not enough evidence", "accuracy 0.800 reaches 0.7"),
        (evidence(0.6, 0.5, 0.7), "keep", "accuracy 0.600 [0.500, 0.700], and 0.7 is enough"),
        (evidence(0.9, 0.8, 0.95, macro=0.5), "keep", "macro_f1 0.500 misses its floor of 0.6"),
        (evidence(0.9, 0.8, 0.95, macro=None), "keep", "macro_f1 has no value and misses its floor of 0.6"),
    ],
)
def test_a_rung_meets_the_contract_when_all_of_its_interval_is_enough(found: Evidence, verdict: str, said: str) -> None:
    decision = decide(found, METRICS)
    assert decision.verdict == verdict
    assert said in decision.reason


def test_a_rung_over_a_limit_does_not_meet_the_contract() -> None:
    decision = decide(evidence(0.9, 0.8, 0.95), METRICS, ["GB of memory 9 is over the limit of 6"])
    assert (decision.verdict, decision.reason) == ("keep", "GB of memory 9 is over the limit of 6")


@pytest.mark.parametrize(
    ("rungs", "said"),
    [
        (["baseline", "zero_shot", "rag"], "'rag' is no rung; allowed: baseline, zero_shot, prompting, few_shot, retrieval"),
        (["baseline", "zero_shot", "tuning.dora2"], "'tuning.dora2' is no rung"),
        (["zero_shot", "prompting"], "a ladder begins with 'baseline'"),
        (["baseline", "prompting"], "'zero_shot' comes after 'baseline'"),
        (["baseline", "zero_shot", "tuning", "retrieval"], "the order is baseline, zero_shot, retrieval, tuning"),
        (["baseline", "zero_shot", "tuning", "tuning"], "a rung is listed twice"),
    ],
)
def test_a_wrong_list_of_rungs_is_refused(rungs: list[str], said: str) -> None:
    with pytest.raises(ValueError, match="rungs") as error:
        Config(rungs=rungs)
    assert said in str(error.value)


def test_every_technique_is_a_rung_and_every_rung_belongs_to_a_stage() -> None:
    assert {technique_of(rung) for rung in known()} == {None, *TECHNIQUES}
    assert set(STAGE.values()) <= set(STAGES)
    assert Config(rungs=known()).rungs == known()


def test_a_rung_is_measured_with_what_it_costs(tmp_path: Path) -> None:
    step = step_in(tmp_path)
    task, metrics, dataset = reviews(step)
    metrics = metrics.model_copy(update={"enough": 0.6})  # of eight rows, all of them right, more is not shown
    given = {"task": task, "metrics": metrics, "dataset": dataset, "limits": LIMITS, "step": step}
    chosen = select(Selection(made=True), policy=POLICY, **given)
    given["prices"] = Prices(machine_hour=3.6)
    rung = measure_rung(Config(requests=2), rung="baseline", candidate=chosen.plain, **given)
    assert (rung.decision.verdict, rung.metrics["accuracy"]) == ("adopt", 1.0)
    assert rung.megabytes > 0
    requests = step.measured["requests"]
    assert requests["cost_per_1000_answers"] == pytest.approx(requests["mean"])
    assert 0 < requests["memory_gb"] < 6
    strict = LIMITS.model_copy(update={"memory_gb": 0.001})
    again = measure_rung(
        Config(requests=2),
        rung="baseline",
        candidate=chosen.plain,
        **{**given, "limits": strict},
    )
    assert "GB of memory" in again.decision.reason
    assert "over the limit of 0.001" in again.decision.reason


def test_the_table_tells_what_was_trained_and_why_the_rest_was_not_climbed() -> None:
    dump = {
        "rung": "tuning.ia3", "label": "small · ia3 sft", "megabytes": 271.0,
        "decision": {"verdict": "adopt", "reason": "enough"},
        "evidence": {"metrics": {"accuracy": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 80}}},
    }  # fmt: skip
    asked = {"p50": 0.4, "p95": 0.5, "memory_gb": 1.0, "cost_per_1000_answers": 0.2, "processor": 0.7}
    trained = {"trained_share": 0.001, "seconds": 10.0, "frozen_layers_seconds": 2.0}
    measured = {"ladder.tuning.ia3": {"requests": asked}, "tuning.ia3": {"training": trained}}
    unclimbed = {"preference": NotClimbed(reason="tuning.ia3 meets the contract", seconds=90.0)}
    first, second = rows({"tuning.ia3": {}, "ladder.tuning.ia3": dump}, measured, unclimbed, "accuracy")
    assert (first["verdict"], first["trained_share"], first["training_seconds"]) == ("meets", 0.001, 12.0)
    assert (first["metric"]["low"], first["latency_p95"], first["cost_per_1000_answers"]) == (0.7, 0.5, 0.2)
    assert second == {
        "rung": "preference", "stage": "feedback", "verdict": "not climbed", "reason": "tuning.ia3 meets the contract",
        "seconds": 90.0,
    }  # fmt: skip


def test_the_table_goes_by_what_was_measured_and_not_by_what_was_expected() -> None:
    costs = {"baseline": 0.0001, "zero_shot": 0.0463, "prompting": 0.0326, "tuning.full": 0.02999, "tuning.lora": 0.03001}
    results, measured = {}, {}
    for rung, cost in costs.items():
        decision = {"verdict": "keep", "reason": ""}
        dump = {"rung": rung, "label": rung, "megabytes": 1.0, "decision": decision, "evidence": {"metrics": {}}}
        results[f"ladder.{rung}"] = dump
        asked = {"p50": 1, "p95": 1, "memory_gb": 1, "cost_per_1000_answers": cost, "processor": 1}
        seconds = {"trained_share": 0.1, "seconds": 90.0 if rung == "tuning.full" else 10.0, "frozen_layers_seconds": 0.0}
        measured |= {f"ladder.{rung}": {"requests": asked}, rung: {"training": seconds}}
    shown = [row["rung"] for row in rows(results, measured, {}, "accuracy")]
    assert shown == ["baseline", "tuning.lora", "tuning.full", "prompting", "zero_shot"]
    del measured["ladder.prompting"]["requests"]
    assert [row["rung"] for row in rows(results, measured, {}, "accuracy")] == list(costs), "not all were measured"


def test_a_card_shows_each_technique_that_was_tried_and_a_summary_the_one_that_was_adopted() -> None:
    record = read_record(ROOT / "model_cards/voice_helpdesk/v1.md")
    first = {**record.results["tuning"], "made": {"verdict": "keep", "reason": "no gain by made rows"}}
    results = {name: dump for name, dump in record.results.items() if name != "tuning"}
    results |= {"tuning.lora": first, "tuning.full": {**record.results["tuning"], "made": None}}
    several = record.model_copy(update={"results": results})
    assert list(trainings(several)) == ["tuning.lora", "tuning.full", "feedback.align"]
    assert made_rows(several) == {"verdict": "keep", "reason": "no gain by made rows"}
    assert "**tuning.full** (adopt" in markdown(several)
    told = next(row for row in nist_rmf(several) if row[1].startswith("tuning"))
    assert str(told[2]).count("f1_answerable") >= 2

    def done(verdict: str) -> Any:
        result = StageResult(decision=Decision(verdict=verdict, reason=verdict))
        return Done("tuning", "components.tuning.tune", verdict, "ran", 1.0, result, {})

    steps: Any = SimpleNamespace(done=[done("keep"), done("adopt"), done("not enough evidence")])
    assert _stage(steps, "tuning")["decision"]["verdict"] == "adopt"
    steps.done.pop(1)
    assert _stage(steps, "tuning")["decision"]["verdict"] == "not enough evidence"
