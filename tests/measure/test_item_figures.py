"""Figures beside a check, from their values."""

import random

import pytest

from components.measure.item_figures import Apart, ItemFigures, Kept, Mean

VALUES = {f"item {number}": number / 40 for number in range(40)}


def shuffled(values: dict[str, float]) -> dict[str, float]:
    return dict(random.Random(3).sample(sorted(values.items()), len(values)))


def test_the_order_in_which_values_are_kept_changes_no_figure() -> None:
    half = {item: value / 2 for item, value in VALUES.items()}
    figures = ItemFigures({"mean": Mean(values=shuffled(VALUES)), "kept": Kept(clean=shuffled(VALUES), attacked=half)})
    in_order = ItemFigures({"mean": Mean(values=VALUES), "kept": Kept(clean=VALUES, attacked=half)})
    read = ItemFigures.model_validate_json(figures.model_dump_json())
    assert figures.metrics() == read.metrics() == in_order.metrics()
    assert figures.metrics()["kept"].value == pytest.approx(0.5)


def test_groups_lie_as_far_apart_as_their_means() -> None:
    groups = {"women": {"a": 0.2, "b": 0.4}, "men": {"a": 0.6, "c": 0.6, "d": 0.6}}
    apart, ratio = (Apart(kind=kind, groups=groups).metric() for kind in ("difference", "ratio"))
    assert (apart.value, apart.n) == (pytest.approx(0.3), 2)
    assert ratio.value == pytest.approx(0.5)
