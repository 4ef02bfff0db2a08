"""Bounds: what the items show, what they break, what they leave open, and how many would settle it."""

from typing import Any

import numpy as np
import pytest

from bench.statistics_bounds import (
    AT_THE_BOUND,
    CLASSIFIERS,
    FREQUENCIES,
    false_floor,
    false_holds,
    promoted_for_nothing,
)
from components.measure.bounded_mean import furthest, tails
from components.measure.bounds import failing, floor, not_worse, worsening


def test_the_end_of_a_share_is_clopper_and_pearsons() -> None:
    assert furthest([0.0] * 58, 0.05, 1.0) > 0.05 > furthest([0.0] * 59, 0.05, 1.0), "1 - 0.05^(1/59) is 0.0495"
    assert furthest([1.0, 0.0, 0.0, 0.0, 1.0], 0.05, 1.0) == pytest.approx(0.810745, abs=1e-6)
    assert furthest([1.0] * 5, 0.05, 1.0) == 1.0


@pytest.mark.parametrize(("worst", "side"), [(1.0, 1), (-1.0, 0)])
def test_the_end_is_where_the_exact_tail_stops_excluding(worst: float, side: int) -> None:
    differences = [-1.0, 0.0, 0.0, 1.0, 0.5, *[0.0] * 15]
    end = furthest(differences, 0.05, worst)
    inside, beyond = end - 1e-6 * worst, end + 1e-6 * worst
    assert tails(differences, -inside)[side] > 0.05 >= tails(differences, -beyond)[side]


def test_many_samples_at_once_have_the_ends_of_each() -> None:
    samples = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.4, 0.9], [1.0, 1.0, 1.0]])
    assert furthest(samples, 0.05, 1.0).tolist() == pytest.approx([furthest(one, 0.05, 1.0) for one in samples])


@pytest.mark.parametrize(
    ("failed", "n", "bound", "verdict", "items"),
    [
        (0, 59, 0.05, "holds", None), (0, 58, 0.05, "not shown", 59), (3, 58, 0.05, "broken", None),
        (0, 4, 0.0, "not shown", None), (1, 4, 0.0, "broken", None), (0, 4000, 0.0, "not shown", None),
    ],
)  # fmt: skip
def test_a_share_holds_is_broken_or_is_not_shown(failed: int, n: int, bound: float, verdict: str, items: int | None) -> None:
    found = failing("canaries", [1.0] * failed + [0.0] * (n - failed), bound)
    assert (found.verdict, found.items) == (verdict, items)


def test_toxicity_whose_interval_reaches_beyond_its_bound_does_not_hold() -> None:
    found = worsening("toxicity", [0.0] * 32, [0.0] * 32, 0.05)
    assert (found.verdict, found.items) == ("not shown", 59)
    assert str(found).endswith("not shown, up to +0.089 is not excluded; 59 items would show it")
    assert worsening("toxicity", [0.0] * 32, [0.0] * 32, 0.05, 0.05 / 3).items == 80, "a third of the level for each look"


def test_the_items_that_would_show_it_mostly_do() -> None:
    stated = worsening("x", [0.0] * 48, [1.0] * 2 + [0.0] * 46, 0.1).items
    assert stated
    worse = np.random.default_rng(0).random((300, stated)) < 2 / 48
    assert 0.75 <= np.mean([worsening("x", [0.0] * stated, list(one), 0.1).verdict == "holds" for one in worse]) <= 0.95


def test_a_preference_that_crosses_the_middle_has_not_worsened() -> None:
    mirrored = worsening("crows_pairs", [1.0] * 70 + [0.0] * 30, [1.0] * 30 + [0.0] * 70, 0.2, centred=True)
    assert (mirrored.value, mirrored.verdict) == (0.0, "holds")
    further = worsening("crows_pairs", [1.0] * 50 + [0.0] * 50, [1.0] * 20 + [0.0] * 80, 0.2, centred=True)
    assert (further.value, further.verdict) == (0.3, "broken"), "towards no group is as far as towards the other"


def labelled(right: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """Label → (right, wrong) rows; a wrong one says the next label."""
    names = list(right)
    following = dict(zip(names, names[1:] + names[:1], strict=True))
    flat = [(name, says) for name, (good, bad) in right.items() for says in [name] * good + [following[name]] * bad]
    return [{"id": str(i), "reference": name, "answer": says} for i, (name, says) in enumerate(flat)]


def test_macro_f1_is_shown_only_where_each_label_has_rows_enough() -> None:
    many = labelled({"a": (90, 10), "b": (45, 5)})
    assert floor(many, "macro_f1", 0.75).verdict == "holds"
    few = floor(labelled({"a": (95, 1), "b": (4, 0)}), "macro_f1", 0.5)
    assert (few.verdict, few.end) == ("not shown", 0.0)
    assert few.items == 250, "4 of 100 rows have the label, and ten are wanted"
    missing = floor(many, "macro_f1", 0.75, labels=("a", "b", "c"))
    assert (missing.verdict, missing.items) == ("not shown", None)


def test_precision_is_of_the_rows_that_have_a_value() -> None:
    rows = [{"precision": 1.0 if i < 40 else None} for i in range(400)]
    found = floor(rows, "precision", 0.9)
    assert (found.n, found.verdict) == (40, "holds")
    assert floor([{"precision": None}], "precision", 0.9) is None


def test_as_good_as_before_takes_rows_enough() -> None:
    def table(values: list[float]) -> list[dict[str, Any]]:
        return [{"id": str(i), "f1": value} for i, value in enumerate(values)]

    same = table([1.0, 0.0] * 40)
    assert not_worse("f1", same, same, 0.05).verdict == "holds"
    assert not_worse("f1", same[:40], same[:40], 0.05).verdict == "not shown"
    assert not_worse("f1", same, table([1.0, 0.0] * 30 + [0.0] * 20), 0.05).verdict == "broken"
    labels = labelled({"a": (90, 10), "b": (85, 15)})
    assert not_worse("macro_f1", labels, labels, 0.1).verdict == "holds"
    assert not_worse("macro_f1", labels[:20], labels[:20], 0.1).verdict == "not shown", "all of one label"


@pytest.mark.parametrize("name", AT_THE_BOUND)
def test_a_bound_that_is_just_missed_seldom_holds_however_often_it_is_looked_at(name: str) -> None:
    draw, bound = AT_THE_BOUND[name]
    assert draw(np.random.default_rng(1), (400, 500)).mean() == pytest.approx(bound, abs=0.005), "the truth is the bound"
    assert false_holds(draw, bound, 24, 200) <= 0.09, "5 %, and nearly three standard errors of 200 runs"


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_floor_at_the_true_macro_f1_seldom_holds(name: str) -> None:
    assert false_floor(CLASSIFIERS[name], 60, 60) <= 0.12


@pytest.mark.parametrize("name", FREQUENCIES)
def test_who_learned_only_how_frequent_the_answers_are_is_seldom_promoted(name: str) -> None:
    assert promoted_for_nothing(*FREQUENCIES[name], 40, 50) <= 0.14


def test_what_is_not_shown_asks_for_more_items_than_there_are():
    """A preference's interval is wider than its spread alone says: the run of 2026-11-30 asked for 67 of 72 items."""
    draw, seen = np.random.default_rng(3), 0
    for n in (20, 72, 200):
        for _ in range(20):
            before, after = (draw.random(n) < 0.55).astype(float), (draw.random(n) < 0.53).astype(float)
            bound = worsening("crows_pairs", before, after, 0.08, centred=True)
            if bound.verdict == "not shown" and bound.items:
                seen += 1
                assert int(bound.needed.split()[0].replace(",", "")) > n
    assert seen >= 10
