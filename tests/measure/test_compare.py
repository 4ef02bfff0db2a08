from collections.abc import Callable

import numpy as np
import pytest

from components.core import Evidence, Metrics, Step
from components.measure import compare, compare_tables, examples, missed_floors, rank

Make = Callable[..., Evidence]


def contract(minimum: float = 0.02, **floors: float) -> Metrics:
    return Metrics(primary="f1", at_least=0.1, minimum_effect=minimum, floors=floors)


def values(n: int = 200, seed: int = 0) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).random(n)]


def test_a_candidate_against_itself_is_kept(evidence: Make, step: Step) -> None:
    same = evidence("f1", values())
    decision = compare(same, same, contract(), step.store, over="itself")
    assert decision.verdict == "keep"
    assert decision.comparison.gain.value == 0


def test_a_planted_effect_is_adopted_and_its_reverse_kept(evidence: Make, step: Step) -> None:
    before = evidence("f1", [value * 0.8 for value in values()])
    after = evidence("f1", values())
    decision = compare(before, after, contract(), step.store, over="the plain baseline")
    assert decision.verdict == "adopt"
    assert decision.comparison.gain.value == pytest.approx(decision.comparison.after - decision.comparison.before, abs=2e-6)
    assert "the plain baseline" in decision.reason
    assert compare(after, before, contract(), step.store, over="x").verdict == "keep"


def test_a_sure_gain_below_the_minimum_effect_is_kept(evidence: Make, step: Step) -> None:
    before, after = evidence("f1", values()), evidence("f1", [value + 0.02 for value in values()])
    assert compare(before, after, contract(0.03), step.store, over="x").verdict == "keep"
    assert compare(before, after, contract(0.01), step.store, over="x").verdict == "adopt"


def test_an_unsettled_gain_is_not_enough_evidence(evidence: Make, step: Step) -> None:
    before, after = evidence("f1", values(30, 1)), evidence("f1", [min(1, v + 0.05) for v in values(30, 2)])
    assert compare(before, after, contract(), step.store, over="x").verdict == "not enough evidence"


def test_an_interval_above_0_that_the_exact_test_takes_for_chance_is_not_enough(evidence: Make, step: Step) -> None:
    # four wins of eight and no loss: the percentile interval lies above 0, and half of the chance coins do as well (1 in 16)
    decision = compare(evidence("f1", [0.0] * 8), evidence("f1", [1.0, 0.0] * 4), contract(), step.store, over="x")
    assert decision.comparison.gain.low > 0
    assert decision.comparison.p_value == 0.0625
    assert decision.verdict == "not enough evidence"
    assert "the interval lies above 0, but the exact test does not rule out chance" in decision.reason


def test_not_enough_evidence_says_how_many_rows_would_be(evidence: Make, step: Step) -> None:
    before, after = evidence("f1", values(30, 1)), evidence("f1", [min(1, v + 0.05) for v in values(30, 2)])
    decision = compare(before, after, contract(), step.store, over="x")
    power = decision.comparison.power
    assert power.rows > 30
    assert f"{power.rows:,} rows are needed, and these 30 suffice for {power.detectable:.3f}" in decision.reason
    assert "p = " in decision.reason


def test_a_gain_of_less_than_the_minimum_names_rows_for_twice_that(evidence: Make, step: Step) -> None:
    before, after = evidence("f1", [0.0, 1.0] * 15), evidence("f1", [0.0, 1.0] * 14 + [1.0, 1.0])
    decision = compare(before, after, contract(0.05), step.store, over="x")
    assert decision.verdict == "not enough evidence"
    assert "for 80 % power at a gain of 0.100, twice that," in decision.reason
    assert decision.comparison.power.effect == 0.1


@pytest.mark.parametrize(("minority", "enough"), [(1, False), (9, False), (10, True)])
def test_macro_f1_over_few_rows_of_a_label_is_not_enough_evidence(minority: int, enough: bool) -> None:
    references = ["rare"] * minority + ["common"] * 20
    before = [{"id": str(i), "reference": one, "answer": "neither"} for i, one in enumerate(references)]
    after = [{**row, "answer": row["reference"]} for row in before]
    decision = compare_tables(before, after, contract(), over="x", metric="macro_f1")
    assert decision.verdict == ("adopt" if enough else "not enough evidence")
    if not enough:
        assert decision.reason.endswith(f": macro-F1 takes 10 rows of each label, and 'rare' has {minority}")
    alone = compare_tables(before[minority:], after[minority:], contract(), over="x", metric="macro_f1")
    assert not alone.adopted, "where all rows have one label, naming it always is perfect"


def test_one_row_settles_nothing(evidence: Make, step: Step) -> None:
    decision = compare(evidence("f1", [0.0]), evidence("f1", [1.0]), contract(), step.store, over="x")
    assert decision.verdict == "not enough evidence"
    assert decision.reason.endswith("(gain +1.000): one row settles nothing")


def test_chance_alone_is_seldom_adopted(evidence: Make, step: Step) -> None:
    adopted = sum(
        compare(
            evidence("f1", values(60, 2 * i)), evidence("f1", values(60, 2 * i + 1)), contract(), step.store, over="x"
        ).adopted
        for i in range(40)
    )
    assert adopted <= 4


def test_a_gain_that_loses_a_floor_is_kept_out(evidence: Make, step: Step) -> None:
    before = evidence("f1", [v * 0.8 for v in values(40)], recall=[1.0, 0.0] * 20)
    after = evidence("f1", values(40), recall=[0.0] * 40)
    decision = compare(before, after, contract(recall=0.3), step.store, over="x")
    assert decision.verdict == "keep"
    assert "recall 0.000" in decision.reason
    assert missed_floors(after, contract(recall=0.3)) == ["recall"]
    assert missed_floors(before, contract(recall=0.3)) == []
    assert rank(before, contract(recall=0.3)) > rank(after, contract(recall=0.3))
    assert missed_floors(before, contract(other=0.1)) == ["other"], "a floor without a value is not reached"


def test_another_metric_may_be_compared(evidence: Make, step: Step) -> None:
    labels = ["a", "b"] * 50
    before = evidence("accuracy", [0.0] * 100, answer=labels[::-1], reference=labels)
    after = evidence("accuracy", [1.0] * 100, answer=labels, reference=labels)
    decision = compare(before, after, contract(), step.store, over="x", metric="macro_f1")
    assert decision.adopted
    assert (decision.comparison.before, decision.comparison.after) == (0, 1)


def test_other_rows_or_an_absent_metric_cannot_be_compared(evidence: Make, step: Step) -> None:
    with pytest.raises(AssertionError, match="same rows"):
        compare(evidence("f1", [1.0] * 3), evidence("f1", [1.0] * 4), contract(), step.store, over="x")
    with pytest.raises(AssertionError, match="'f1'"):
        compare(evidence("f1", [None] * 3), evidence("f1", [1.0] * 3), contract(), step.store, over="x")


def test_the_rows_behind_evidence_can_be_read(evidence: Make, step: Step) -> None:
    assert examples(evidence("f1", [0.5, None]), step.store) == [{"id": "r0", "f1": 0.5}, {"id": "r1", "f1": None}]
