"""Extraction: JSON that the contract's schema allows, read out of what a model or a file says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core import BadInput, Task
from components.tasks import check_task
from components.tasks.extraction import read_answer

from .small import solved

TASK = solved("extraction").task
RIGHT = '{"person": ["Ann Lee"], "place": []}'


@pytest.mark.parametrize(
    "said",
    [
        RIGHT,
        '{"place":[],"person":["Ann Lee"]}',
        f"Sure! Here it is:\n```json\n{json.dumps(json.loads(RIGHT), indent=2)}\n```\nAnything else?",
        f"{{not json}} but {RIGHT} is",
        {"place": [], "person": ["Ann Lee"]},
    ],
)
def test_the_json_in_an_answer_is_found_and_has_one_form(said: Any) -> None:
    assert read_answer(said, TASK.own) == RIGHT


@pytest.mark.parametrize(
    "said",
    [
        "", "Ann Lee", "[]", '{"person": ["Ann Lee"]}', '{"person": "Ann Lee", "place": []}', RIGHT[:-1], 3, None,
        ["Ann Lee"],
        '{"person": [], "place": [], "ship": []}', '{"person": [NaN], "place": []}', "{" * 100_000, '{"person": [' * 100_000,
    ],
)  # fmt: skip
def test_what_the_schema_refuses_is_no_answer(said: Any) -> None:
    assert read_answer(said, TASK.own) is None


@given(st.dictionaries(st.sampled_from(["person", "place"]), st.lists(st.text(max_size=9), max_size=3), min_size=2))
def test_what_was_read_is_read_again_as_the_same(answer: dict[str, list[str]]) -> None:
    text = read_answer(answer, TASK.own)
    assert text
    assert json.loads(text) == answer
    assert read_answer(text, TASK.own) == text


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt", "properties": {"a": {}}}, "no JSON Schema: 'objekt' is not valid"),
        ({"type": "array", "items": {}}, "write `type: object` and its `properties`"),
        ({"type": "object", "properties": {}}, "write `type: object` and its `properties`"),
        (
            {"type": "object", "properties": {"a": {"$ref": "https://example.org/a.json"}}},
            "a $ref may point into the schema itself only",
        ),
        ("yes", "Input should be a valid dictionary"),
    ],
)
def test_a_schema_that_cannot_be_asked_is_named_by_its_key(schema: Any, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_task(Task(kind="extraction", instruction="List.", schema=schema), "news.yaml")
    assert str(caught.value).startswith(f"news.yaml: key 'task.schema': {said}")


def test_a_missing_schema_is_asked_for_and_a_key_too_many_named() -> None:
    with pytest.raises(BadInput, match=r"^news\.yaml: key 'task\.schema' is required; add it$"):
        check_task(Task(kind="extraction", instruction="List."), "news.yaml")
    with pytest.raises(BadInput, match=r"key 'task\.labels' is not known; allowed here: .*schema, tone"):
        check_task(TASK.model_copy(update={"labels": ["a", "b"]}), "news.yaml")


def test_a_reference_inside_the_schema_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/names"}},
        "$defs": {"names": {"type": "array", "items": {"type": "string"}}},
    }
    task = Task(kind="extraction", instruction="List.", schema=schema)
    check_task(task, "news.yaml")
    assert read_answer('{"a": ["b"]}', task.own) == '{"a": ["b"]}'
    assert read_answer('{"a": "b"}', task.own) is None
