"""Scenario × metric: calibration on planted sureness, robustness paired on the same items."""

import pytest

from components.evaluation.benchmarks import Scores
from components.evaluation.scenarios import calibration_error, scenarios


def test_a_model_as_often_right_as_it_is_sure_has_no_calibration_error():
    assert calibration_error([1, 1, 1, 0], [0.75] * 4).value == 0
    assert calibration_error([1.0] * 3, [1.0] * 3).value == 0


def test_a_model_that_is_sure_and_wrong_has_all_of_it():
    assert calibration_error([0, 0], [1.0, 1.0]).value == 1
    mixed = calibration_error([1, 0, 1, 1], [0.95, 0.95, 0.55, 0.55])
    assert mixed.value == pytest.approx((abs(1 - 1.9) + abs(2 - 1.1)) / 4)


def test_typing_errors_are_set_against_the_same_items_without_them():
    hits, sure = (
        {"mmlu": (1.0,) * 30 + (0.0,) * 10, "crows_pairs": (1.0, 0.0)},
        {"mmlu": (0.6,) * 40, "crows_pairs": (1.0, 1.0)},
    )
    after = Scores(hits=hits, sure=sure, mistyped={"mmlu": (1.0,) * 20 + (0.0,) * 20})
    found = scenarios(Scores(hits=hits, sure=sure, mistyped={"mmlu": (1.0,) * 40}), after)
    assert list(found) == ["mmlu"], "a preference has no right answers"
    assert found["mmlu"]["robustness"]["after"].value == 0.5
    change = found["mmlu"]["robustness"]["change"]
    assert change.value == pytest.approx(-0.25)
    assert change.low < -0.1
    assert change.high < 0
