"""Rows for 80 % power: against the textbook, and against what `compare_tables` then does on planted effects."""

import pytest
from scipy.stats import exponnorm

from bench.statistics import KINDS, MINIMUM, planted_power, stated_rows
from components.measure.sample_size import POWER, _quantile, power, rows_needed


def test_many_rows_agree_with_the_textbook() -> None:
    # (1.96 + 0.84)² · 0.4² / 0.01² = 12,558, and a row and a half of gain on top
    assert power(0.01, 0.0, 0.4, 100).rows == pytest.approx(12_558, rel=0.03)
    assert power(0.01, 0.0, 0.4, 12_558).detectable == pytest.approx(0.01, rel=0.015)


def test_a_gain_near_the_minimum_effect_needs_more() -> None:
    assert power(0.05, 0.04, 0.4, 100).rows == pytest.approx((0.8416 * 0.4 / 0.01) ** 2, rel=0.1)
    assert power(0.05, 0.04, 0.4, 100).effect == 0.05


@pytest.mark.parametrize("kind", ["0/1, 40 % differ", "graded, 8 % drawn anew"])
def test_the_stated_rows_adopt_the_stated_gain_also_after_one_of_just_the_minimum(kind: str) -> None:
    share, rows = stated_rows(KINDS[kind], MINIMUM, 150)
    assert rows < 1000
    assert share >= POWER - 0.065  # 80 %, less two standard errors of 150 runs


def test_a_gain_up_to_the_minimum_effect_is_planned_for_twice_that() -> None:
    assert power(0.01, 0.05, 0.4, 100) == power(0.05, 0.05, 0.4, 100)
    assert power(0.05, 0.05, 0.4, 100).effect == 0.1
    assert power(0.05, 0.05, 0.4, 100).rows == power(0.1, 0.05, 0.4, 100).rows


def test_what_cannot_be_shown_has_no_number() -> None:
    assert power(0.0, 0.0, 0.4, 100).rows is None
    assert power(0.1, 0.0, 0.0, 100) is None, "no spread was seen"
    assert power(0.1, 0.0, 0.3, 1) is None
    assert rows_needed(-0.1, 0.3, 0.05) is None


def test_the_added_row_of_the_exact_test_is_exponential() -> None:
    for rows in (24, 60, 200):
        error = 0.15 / rows**0.5
        exact = exponnorm.ppf(0.95, 1 / (rows * error), scale=error)
        assert exact <= _quantile(0.95, error, 1 / rows) <= 1.02 * exact


@pytest.mark.parametrize(
    ("kind", "rows"), [*((kind, 60) for kind in KINDS), ("0/1, 40 % differ", 24), ("graded, no ties", 24)]
)
def test_planted_effects_are_adopted_at_least_as_often_as_said(kind: str, rows: int) -> None:
    # 80 %, less two standard errors of 300 runs; make bench has 1,000 and more sizes; lopsided rows are found more often
    assert planted_power(KINDS[kind], rows, 300) >= POWER - 0.046
