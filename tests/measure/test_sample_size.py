"""Rows for 80 % power: against the textbook, and against what `compare_tables` then does on planted effects."""

import pytest

from bench.statistics import KINDS, planted_power
from components.measure.sample_size import power, rows_needed


def test_many_rows_agree_with_the_textbook() -> None:
    # (1.96 + 0.84)² · 0.4² / 0.01² = 12,558, and half a row's step on top
    assert power(0.01, 0.0, 0.4, 100).rows == pytest.approx(12_558, rel=0.01)
    assert power(0.01, 0.0, 0.4, 12_558).detectable == pytest.approx(0.01, rel=0.01)


def test_a_gain_near_the_minimum_effect_needs_more() -> None:
    assert power(0.05, 0.04, 0.4, 100).rows == pytest.approx((0.8416 * 0.4 / 0.01) ** 2, abs=2)
    assert power(0.05, 0.04, 0.4, 100).effect == 0.05


def test_a_gain_below_the_minimum_effect_is_planned_for_the_minimum_effect() -> None:
    assert power(0.01, 0.05, 0.4, 100) == power(0.05, 0.05, 0.4, 100)


def test_what_cannot_be_shown_has_no_number() -> None:
    assert power(0.0, 0.0, 0.4, 100).rows is None
    assert power(0.1, 0.0, 0.0, 100) is None, "no spread was seen"
    assert power(0.1, 0.0, 0.3, 1) is None
    assert rows_needed(-0.1, 0.3, 0.05) is None


@pytest.mark.parametrize("kind", KINDS)
def test_planted_effects_are_adopted_about_as_often_as_said(kind: str) -> None:
    # 400 runs: a standard error of 2 points. make bench has 1,000 and more sizes; lopsided rows are found more often
    assert 0.68 <= planted_power(KINDS[kind], 60, 400) <= 0.95
