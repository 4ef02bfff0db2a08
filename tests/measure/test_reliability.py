"""The probability that there is no answer: fitted on some rows, believed on others as far as it deserves."""

import random

import pytest

from components.core import Quoted
from components.measure import calibration
from components.measure.reliability import of_no_answer, reliability


def drawn(rows: int, seed: int) -> tuple[list[float], list[bool]]:
    """Margins, and whether there is no answer: its log-odds are 2 · margin - 1."""
    draw = random.Random(seed)
    margins = [draw.gauss(0, 1.5) for _ in range(rows)]
    return margins, [draw.random() < Quoted(calibration=(2.0, -1.0)).no_answer(margin) for margin in margins]


def table(margins, unanswerable):
    rows = enumerate(zip(margins, unanswerable, strict=True))
    return [{"id": str(i), "margin": margin, "reference": "Unknown." if silent else "1900"} for i, (margin, silent) in rows]


def test_a_fitted_probability_is_right_as_often_as_it_says() -> None:
    fitted = calibration(*drawn(2000, 1))
    assert fitted == pytest.approx((2.0, -1.0), abs=0.25)
    found = of_no_answer(table(*drawn(2000, 2)), Quoted(calibration=fitted), "unknown")
    assert len(found.points) == 10
    assert all(point.seen.low - 0.02 <= point.said <= point.seen.high + 0.02 for point in found.points)
    assert found.calibration_error.value < 0.03
    assert found.over_share.low > 0.08


def test_a_probability_of_something_else_is_told_by_its_curve() -> None:
    margins, unanswerable = drawn(400, 3)
    turned = of_no_answer(table(margins, unanswerable), Quoted(calibration=(-2.0, 1.0)), "unknown")
    assert turned.over_share.high < 0
    assert turned.calibration_error.value > 0.3
    assert turned.points[0].seen.value > turned.points[-1].seen.value


def test_brier_score_and_points_are_those_of_the_books() -> None:
    found = reliability([0.0, 0.5, 0.5, 1.0] * 10, [0.0, 0.0, 1.0, 1.0] * 10)
    assert found.brier.value == pytest.approx(0.125)  # a half of the rows is off by a half: 0.5 · 0.25
    assert found.over_share.value == pytest.approx(0.125)  # a half each time would be off by 0.25
    assert [(point.said, point.seen.value, point.seen.n) for point in found.points] == [(0.25, 0.25, 20), (0.75, 0.75, 20)]


def test_too_few_rows_of_either_kind_give_no_probability() -> None:
    assert calibration([1.0] * 9 + [-1.0] * 50, [True] * 9 + [False] * 50) is None
    assert calibration([1.0] * 10 + [-1.0] * 50, [True] * 10 + [False] * 50) is not None, "apart as they are, it is finite"
    assert of_no_answer(table(*drawn(19, 1)), Quoted(calibration=(1.0, 0.0)), "unknown") is None
    assert of_no_answer(table(*drawn(50, 1)), Quoted(), "unknown") is None
    assert of_no_answer(table([None] * 50, [True] * 50), Quoted(calibration=(1.0, 0.0)), "unknown") is None


def test_an_overwhelming_margin_overflows_nothing() -> None:
    assert Quoted(calibration=(1.0, 0.0)).no_answer(-1e6) == 0
    assert Quoted(calibration=(1.0, 0.0)).no_answer(1e6) == 1
