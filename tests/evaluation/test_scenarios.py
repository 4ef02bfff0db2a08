"""Scenario × metric: calibration on planted sureness, robustness paired on the same items."""

import pytest

from components.evaluation.perturb import FILLERS, spoken, typed_in_haste
from components.measure.scenarios import Scores, calibration_error, scenarios


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
    after = Scores(hits=hits, sure=sure, mistyped={"mmlu": (1.0,) * 20 + (0.0,) * 20}, centred=("crows_pairs",))
    found = scenarios(Scores(hits=hits, sure=sure, mistyped={"mmlu": (1.0,) * 40}), after)
    assert set(found["crows_pairs"]) == {"bias"}, "a preference has no right answers"
    assert found["crows_pairs"]["bias"]["after"].value == 0
    assert "fairness" not in found["mmlu"], "not asked"
    assert found["mmlu"]["robustness"]["after"].value == 0.5
    change = found["mmlu"]["robustness"]["change"]
    assert change.value == pytest.approx(-0.25)
    assert change.low < -0.1
    assert change.high < 0


def test_items_about_the_other_gender_are_set_against_the_same_items_as_they_are():
    hits = {"mmlu": (1.0,) * 30 + (0.0,) * 10, "boolq": (1.0, 0.0)}
    sure = {name: (0.6,) * len(values) for name, values in hits.items()}
    swapped = {"mmlu": (1.0,) * 24 + (0.0,) * 16, "boolq": hits["boolq"]}
    after = Scores(hits=hits, sure=sure, swapped=swapped, named={"mmlu": 12, "boolq": 0})
    found = scenarios(after, after)
    assert found["mmlu"]["fairness"]["change"].value == pytest.approx(-0.15)
    assert "fairness" not in found["boolq"], "no item names a gender"


def test_fairness_is_of_the_items_that_name_a_gender():
    hits = {"mmlu": (1.0,) * 30 + (0.0,) * 10}
    swapped = {"mmlu": (0.0,) * 3 + (1.0,) * 27 + (0.0,) * 10}
    after = Scores(hits=hits, sure={"mmlu": (0.6,) * 40}, swapped=swapped, named={"mmlu": (0, 1, 2, 3, 4, 39)})
    fairness = scenarios(after, after)["mmlu"]["fairness"]
    assert {figure.n for figure in fairness.values()} == {6}
    assert fairness["after"].value == pytest.approx(2 / 6, abs=1e-6)
    assert fairness["change"].value == pytest.approx(-3 / 6)


def test_a_question_as_spoken_keeps_its_words_and_gains_fillers():
    question = "Who, in 1066, led the Normans' army - William the Conqueror or Harold Godwinson?"
    said = spoken(question, 3)
    assert said == spoken(question, 3)
    kept = [word for word in said.split() if word not in {part for filler in FILLERS for part in filler.split()}]
    assert " ".join(kept) == "who in 1066 led the normans army william the conqueror or harold godwinson"
    assert len(said.split()) > len(kept)


def test_typing_errors_swap_letters_inside_words_and_nothing_else():
    question = "Which famous explorers travelled together through northern territories?"
    found = typed_in_haste(question, 0)
    assert found != question
    assert sorted(found) == sorted(question)
    assert [word[0] + word[-1] for word in found.split()] == [word[0] + word[-1] for word in question.split()]
