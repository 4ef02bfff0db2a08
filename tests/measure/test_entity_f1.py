"""Entity-level figures against values by hand."""

import json

import pytest

from components.core import Row
from components.measure import per_example
from components.measure.intervals import paired, table_metric
from components.measure.metrics.entity_f1 import counts
from tests.tasks.small import solved

TASK = solved("extraction").task


def said(person: str = "", place: str = "") -> str:
    """Names between commas, as an answer."""
    return json.dumps(
        {"person": [one for one in person.split(",") if one], "place": [one for one in place.split(",") if one]}
    )


TABLE = [
    {"answer": said("Ann", "Rome"), "reference": said("Ann", "Oslo")},  # 1 right of 2 said and 2 wanted
    {"answer": said("Ann,Bo,Cy"), "reference": said("Ann,Bo")},  # 2 right of 3 and 2
    {"answer": "", "reference": said("Dee", "Lima")},  # 0 of 0 and 2
    {"answer": said(), "reference": said()},
]


def figure(name: str, rows: list[dict]) -> float:
    found = table_metric([{"id": str(i), **row} for i, row in enumerate(rows)], name)
    assert found
    return found.value


def test_micro_averages_count_all_entities_alike() -> None:
    assert figure("entity_precision", TABLE) == pytest.approx(3 / 5, abs=1e-6)
    assert figure("entity_recall", TABLE) == pytest.approx(3 / 6, abs=1e-6)
    assert figure("entity_f1", TABLE) == pytest.approx(2 * 3 / (5 + 6), abs=1e-6)


def test_an_entity_under_another_key_and_one_named_twice_are_wrong() -> None:
    assert counts(said(place="Ann"), said("Ann")) == (0, 1, 1)
    assert counts(said("Ann,Ann"), said("Ann")) == (1, 2, 1)
    assert counts(said("Ann,Bo"), said("Bo,Ann")) == (2, 2, 2)
    assert counts('{"a": {"b": [1, "1"]}}', '{"a": {"b": ["1"]}}') == (1, 2, 1)


def test_nothing_said_where_nothing_is_has_one_and_no_json_has_nothing() -> None:
    def of(text: str, reference: str) -> tuple[float | None, float | None]:
        found = per_example(TASK, Row(id="a", text="t", answer=reference), text, None)
        return found["text_entity_f1"], found["valid_json"]

    assert of(said(), said()) == (1, 1)
    assert of("", said()) == (0, 0)
    assert of(said("Ann"), said()) == (0, 1)
    assert of(said("Ann"), said("Ann,Bo")) == (pytest.approx(2 / 3), 1)
    assert figure("entity_f1", [{"answer": said(), "reference": said()}]) == 1


def test_a_gain_has_an_interval_around_it() -> None:
    before = [{"id": str(i), "answer": said("Ann" if i % 2 else "Bo"), "reference": said("Ann")} for i in range(40)]
    after = [{**row, "answer": said("Ann")} for row in before]
    found = paired(before, after, "entity_f1")
    assert (found.before, found.after, found.gain.value, found.gain.n) == (0.5, 1.0, 0.5, 40)
    assert found.gain.low is not None
    assert found.gain.low > 0.3
