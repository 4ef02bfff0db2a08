"""Slices: what may pass, what stops, and how seldom a slice that is too bad passes."""

from typing import Any

import pytest

from bench.statistics import HARMS, KINDS, false_promotions, slice_passes
from components.core import Metrics
from components.measure import compare_slices, compared_on
from components.measure.slices import holm


def rows(changes: dict[str, list[float]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Tables over slice `kind`, whose values change by what is given."""
    flat = [(value, one) for value, given in changes.items() for one in given]
    keys = [{"id": str(i), "slices": {"kind": value}} for i, (value, _) in enumerate(flat)]
    before = [{**key, "f1": max(0.0, -one)} for key, (_, one) in zip(keys, flat, strict=True)]
    return before, [{**row, "f1": row["f1"] + one} for row, (_, one) in zip(before, flat, strict=True)]


def test_each_value_is_judged_for_itself() -> None:
    tables = rows({"same": [0.0] * 80, "lost": [-1.0] * 30 + [0.0] * 50, "some": [-1.0] * 4 + [0.0] * 36})
    found = compare_slices(*tables, ["kind"], ["f1"], {"kind": 0.1})["kind"]
    assert {value: one.verdict for value, one in found.items()} == {
        "same": "not worse", "lost": "worse", "some": "not enough evidence",
    }  # fmt: skip
    assert [value for value, one in found.items() if one.failed] == ["lost", "some"]
    assert found["lost"].gain.value == -0.375
    assert found["same"].p_value < 0.05 < found["some"].p_value


def test_without_a_margin_it_is_shown_and_stops_nothing() -> None:
    tables = rows({"lost": [-1.0] * 30 + [0.0] * 50})
    one = compare_slices(*tables, ["kind"], ["f1"], {})["kind"]["lost"]
    assert (one.margin, one.verdict, one.failed) == (None, "worse", False)


def test_too_few_rows_say_how_many_would_do() -> None:
    tables = rows({"few": [0.5, -0.5, 0.0, 0.25, 0.0, 0.0]})
    one = compare_slices(*tables, ["kind"], ["f1"], {"kind": 0.05})["kind"]["few"]
    assert one.verdict == "not enough evidence"
    assert one.rows > 6
    assert compare_slices(*rows({"lost": [-0.5, -0.4, 0.0]}), ["kind"], ["f1"], {"kind": 0.05})["kind"]["lost"].rows is None


def test_values_too_small_for_the_margin_are_judged_together_fewest_first() -> None:
    """At 0.1, four values need log(0.05 / 4) / log(0.9) = 41.6 rows each: 20 and 3 are 23 together, and with 30 enough."""
    tables = rows({"a": [0.0] * 60, "b": [0.0] * 30, "c": [0.0] * 20, "d": [0.0] * 3})
    found = compare_slices(*tables, ["kind"], ["f1"], {"kind": 0.1})["kind"]
    assert {value: (one.gain.n, one.verdict) for value, one in found.items()} == {
        "a": (60, "not worse"), "b + c + d": (53, "not worse"),
    }  # fmt: skip
    assert list(compare_slices(*tables, ["kind"], ["f1"], {})["kind"]) == ["a", "b", "c", "d"], "only a margin joins"
    assert list(compare_slices(*tables, ["kind"], ["f1"], {"kind": 0.0})["kind"]) == ["a", "b", "c", "d"]


def test_a_joint_value_does_not_hide_one_that_is_worse() -> None:
    tables = rows({"a": [0.0] * 60, "b": [0.1] * 50, "c": [-0.5] + [0.0] * 3})
    one = compare_slices(*tables, ["kind"], ["f1"], {"kind": 0.1})["kind"]["b + c"]
    assert (one.p_value < 0.05, one.verdict) == (True, "not enough evidence"), "c alone lies at -0.125"
    within = rows({"a": [0.0] * 60, "b": [0.1] * 50, "c": [-0.3] + [0.0] * 3})
    assert compare_slices(*within, ["kind"], ["f1"], {"kind": 0.1})["kind"]["b + c"].verdict == "not worse"


def test_what_one_gains_is_no_credit_for_what_it_is_judged_with() -> None:
    gained = rows({"a": [1.0] * 12, "b": [0.0] * 12})
    one = compare_slices(*gained, ["kind"], ["f1"], {"kind": 0.1})["kind"]["a + b"]
    assert (one.gain.value, one.verdict) == (0.5, "not enough evidence")


def test_values_on_different_metrics_are_not_judged_together() -> None:
    before, after = rows({"yes": [0.1] * 5, "no": [0.0] * 5})
    for table in (before, after):
        for row in table[5:]:
            row |= {"f1": None, "recall": 1.0}
    found = compare_slices(before, after, ["kind"], ["f1", "recall"], {"kind": 0.1})["kind"]
    assert {value: one.metric for value, one in found.items()} == {"no": "recall", "yes": "f1"}


def test_a_primary_metric_of_tables_alone_gives_way_to_that_of_single_answers_before_any_floor() -> None:
    tables = Metrics(primary="entity_f1", at_least=0.1, floors={"valid_json": 0.9})
    assert compared_on(tables, "extraction")[:3] == ("entity_f1", "text_entity_f1", "valid_json")
    single = Metrics(primary="f1_answerable", at_least=0.1, floors={"abstention_recall": 0.3})
    assert compared_on(single, "question_answering")[:2] == ("f1_answerable", "abstention_recall")


def test_a_value_is_compared_on_the_first_metric_that_its_rows_have() -> None:
    before, after = rows({"yes": [0.1] * 5, "no": [0.0] * 5})
    for table, recall in ((before, 0.0), (after, 1.0)):
        for row in table[5:]:
            row |= {"f1": None, "recall": recall}
    found = compare_slices(before, after, ["kind"], ["f1", "recall"], {})["kind"]
    assert {value: one.metric for value, one in found.items()} == {"no": "recall", "yes": "f1"}
    assert compare_slices(before, after, ["kind"], ["f1"], {})["kind"].keys() == {"yes"}
    assert compare_slices(before, after, ["other"], ["f1"], {}) == {}


def test_a_metric_that_only_one_of_the_two_has_is_passed_over() -> None:
    before, after = rows({"a": [0.1] * 5})
    for row in before:
        row["precision"] = None if row["id"] == "0" else 1.0
    for row in after:
        row["precision"] = 1.0
    assert compare_slices(before, after, ["kind"], ["precision", "f1"], {})["kind"]["a"].metric == "f1"


def test_more_slices_ask_for_more_evidence() -> None:
    one = {"a": [-1.0] + [0.0] * 45}
    alone = compare_slices(*rows(one), ["kind"], ["f1"], {"kind": 0.1})["kind"]["a"]
    many = compare_slices(*rows(one | {f"b{i}": [-1.0] + [0.0] * 45 for i in range(4)}), ["kind"], ["f1"], {"kind": 0.1})
    assert alone.verdict == "not worse"
    assert {one.verdict for one in many["kind"].values()} == {"not enough evidence"}


def test_slices_that_are_only_shown_cost_the_others_nothing() -> None:
    before, after = rows({"a": [-1.0] + [0.0] * 45})
    for table in (before, after):
        for i, row in enumerate(table):
            row["slices"] |= {"shown": str(i % 9)}
    found = compare_slices(before, after, ["kind", "shown"], ["f1"], {"kind": 0.1})
    assert found["kind"]["a"].verdict == "not worse"


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.4, 0.4]) == pytest.approx([0.8, 0.8])
    assert holm([]) == []


@pytest.mark.parametrize("kind", HARMS)
def test_a_slice_at_the_margin_seldom_passes(kind: str) -> None:
    anyone, everyone = slice_passes(HARMS[kind], 60, 400)
    assert anyone <= 0.08, "5 %, and three standard errors of 400 runs"
    assert everyone <= anyone, "60 rows are one value together, and pass at the level of one test"


@pytest.mark.parametrize("kind", KINDS)
def test_chance_alone_promotes_at_most_one_in_twenty(kind: str) -> None:
    now, bootstrap = false_promotions(KINDS[kind], 60, 400)
    assert now <= 0.05
    assert now <= bootstrap, "the stricter of the two decides"
    if kind == "many small gains, rare losses":
        assert bootstrap > 0.1, "what the exact tests are for"
