"""A comparison is looked at again on more rows where it is not settled, at a level that all looks share."""

from collections.abc import Callable

import numpy as np
import pytest

from components.core import LEVEL, Decision, Evidence, Metrics, Step
from components.measure import compare, settled, significant, sizes_of_looks

Make = Callable[..., Evidence]
METRICS = Metrics(primary="f1", at_least=0, minimum_effect=0.02)


@pytest.mark.parametrize(
    ("first", "at_most", "sizes"),
    [
        (80, 320, (80, 160, 320)),
        (80, 200, (80, 160, 200)),
        (80, 80, (80,)),
        (80, 60, (60,)),
        (1, 3, (1, 2, 3)),
    ],
)
def test_looks_double_up_to_the_rows_that_there_are(first: int, at_most: int, sizes: tuple[int, ...]) -> None:
    assert sizes_of_looks(first, at_most) == sizes


class Rows:
    """Two made systems, the second one better by a win in `every` rows; notes which rows were measured."""

    def __init__(self, evidence: Make, step: Step, every: int) -> None:
        self.evidence, self.step, self.every, self.measured = evidence, step, every, []

    def __call__(self, rows: int) -> tuple[Evidence, Evidence]:
        self.measured.append(rows)
        after = [float(place % self.every == self.every - 1) for place in range(rows)]
        return self.evidence("f1", [0.0] * rows), self.evidence("f1", after)

    def settled(self, *sizes: int) -> Decision:
        def judge(pair: tuple[Evidence, Evidence], level: float) -> Decision:
            return compare(*pair, METRICS, self.step.store, over="what is at hand", level=level)

        decision, pair = settled(sizes, self, judge)
        assert pair[1].metrics["f1"].n == self.measured[-1]
        return decision


def test_a_clear_gain_is_settled_at_the_first_look(evidence: Make, step: Step) -> None:
    rows = Rows(evidence, step, 2)
    decision = rows.settled(40, 80, 160)
    assert (decision.verdict, rows.measured) == ("adopt", [40])
    assert decision.reason.endswith("(look 1 of 3, on 40 of at most 160 rows, at a level of 0.017 each)")


def test_no_gain_is_settled_at_the_first_look_too(evidence: Make, step: Step) -> None:
    rows = Rows(evidence, step, 10**6)
    decision = rows.settled(40, 80)
    assert (decision.verdict, rows.measured) == ("keep", [40])


def test_a_small_gain_is_looked_at_again_until_it_is_settled(evidence: Make, step: Step) -> None:
    rows = Rows(evidence, step, 20)
    decision = rows.settled(40, 80, 160, 320)
    assert (decision.verdict, rows.measured) == ("adopt", [40, 80, 160])
    assert "n = 160" in decision.reason


def test_what_no_look_settles_says_so_of_the_last(evidence: Make, step: Step) -> None:
    rows = Rows(evidence, step, 20)
    decision = rows.settled(20, 40, 50)
    assert (decision.verdict, rows.measured) == ("not enough evidence", [20, 40, 50])
    assert decision.reason.endswith("(look 3 of 3, on 50 of at most 50 rows, at a level of 0.017 each)")


def test_a_single_look_has_the_whole_level_and_no_words_on_looks(evidence: Make, step: Step) -> None:
    decision = Rows(evidence, step, 2).settled(40)
    assert decision == compare(
        evidence("f1", [0.0] * 40), evidence("f1", [0.0, 1.0] * 20), METRICS, step.store, over="what is at hand"
    )


def test_a_borderline_gain_is_not_adopted_at_the_split_level(evidence: Make, step: Step) -> None:
    # five wins and no loss: p = 1/32, which is below 5 % and above a third of it
    pair = evidence("f1", [0.0] * 40), evidence("f1", [1.0] * 5 + [0.0] * 35)
    alone, shared = (compare(*pair, METRICS, step.store, over="x", level=level).comparison for level in (LEVEL, LEVEL / 3))
    assert alone.p_value == shared.p_value == pytest.approx(1 / 32, rel=0.01)
    assert significant(alone)
    assert not significant(shared, LEVEL / 3)
    assert shared.gain.low <= alone.gain.low
    assert shared.gain.high > alone.gain.high
    assert shared.power.detectable > alone.power.detectable


def test_the_interval_too_is_at_the_split_level(evidence: Make, step: Step) -> None:
    draw = np.random.default_rng(0).normal(0.05, 0.2, 100).clip(-0.5, 0.5)
    pair = evidence("f1", [0.5] * 100), evidence("f1", [float(0.5 + value) for value in draw])
    lows = [compare(*pair, METRICS, step.store, over="x", level=LEVEL / looks).comparison.gain.low for looks in (1, 5)]
    assert lows[1] < lows[0]
