"""Texts from which JSON is drawn that the contract's JSON Schema allows: the entities of a sentence, the fields of a form.

What a model says before and behind the JSON is dropped; what the schema refuses is no answer, and empty. Not covered:
decoding that can only say valid JSON.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from components.core import Frozen, MissingPackage, Task, canonical

from . import Kind, Tokens, Words

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MOST = 20
"""Places in what a model said at which JSON is looked for."""


class Fields(Frozen):
    """Its own keys of `task`."""

    answer: dict[str, object] = Field(alias="schema")
    """A JSON Schema (draft 2020-12) of an object: what an answer must be."""

    @field_validator("answer")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, object]) -> dict[str, object]:
        from jsonschema.exceptions import SchemaError

        try:
            _validator(canonical(schema)).check_schema(schema)
        except SchemaError as error:
            raise ValueError(f"no JSON Schema: {error.message} (at {error.json_path})") from error
        if any(not reference.startswith("#") for reference in _references(schema)):
            raise ValueError("a $ref may point into the schema itself only (`#/$defs/…`): nothing is fetched")
        if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict) or not schema["properties"]:
            raise ValueError("write `type: object` and its `properties`: an answer is an object with named parts")
        return schema


def read_answer(answer: object, own: Mapping[str, object]) -> str | None:
    """The JSON of an answer, keys sorted, where the schema allows it; a text may say something before and behind it."""
    content = answer if isinstance(answer, dict) else _object_in(answer) if isinstance(answer, str) else None
    if content is None or not _validator(canonical(own["schema"])).is_valid(content):
        return None
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def _object_in(text: str) -> dict[str, object] | None:
    """The first JSON object that stands in `text`."""
    decoder, at = json.JSONDecoder(parse_constant=_no_constant), -1
    for _ in range(MOST):
        at = text.find("{", at + 1)
        if at < 0:
            return None
        try:
            content: dict[str, object] = decoder.raw_decode(text, at)[0]
        except (ValueError, RecursionError):
            continue
        return content
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@lru_cache(maxsize=16)
def _validator(schema: str) -> "Draft202012Validator":
    try:
        from jsonschema import Draft202012Validator
        from referencing import Registry
    except ImportError as error:
        raise MissingPackage("jsonschema", "a task of kind 'extraction'") from error
    return Draft202012Validator(json.loads(schema), registry=Registry())  # an empty registry: no $ref is fetched


def _references(schema: object) -> list[str]:
    if isinstance(schema, list):
        return [one for part in schema for one in _references(part)]
    if not isinstance(schema, dict):
        return []
    own = [str(value) for key, value in schema.items() if key in ("$ref", "$dynamicRef")]
    return [*own, *(one for part in schema.values() for one in _references(part))]


def _format(task: Task) -> str:
    return f"Answer with one JSON object with the keys {', '.join(task.own['schema']['properties'])}, and nothing else."


def _shape(schema: object) -> object:
    """What a value of `schema` looks like, with the name of its type, or its choices, in place of each plain value."""
    if not isinstance(schema, dict):
        return "value"
    if choices := schema.get("enum"):
        return " or ".join(map(str, choices))
    if schema.get("type") == "array":
        return [_shape(schema.get("items"))]
    if parts := schema.get("properties"):
        return {name: _shape(part) for name, part in parts.items()}
    return str(schema.get("type", "value"))


KIND = Kind(
    fields=Fields,
    example={
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "amount": {"type": "number"}},
            "required": ["name"],
        }
    },
    words=Words(
        asked="Text",
        answered="JSON",
        format=_format,
        methods={
            "negative": {"do_not": "Do not explain. Do not add what the text does not say. Do not leave out a key."},
            "chaining": {"narrow": "Copy the words of the text that belong into the answer.", "found": "Words"},
            "iterative": {"check": "Check the draft: is it JSON, and does it hold all of it? Give the corrected JSON only."},
        },
        elements={"condition": "If the text does not say something, do not make it up."},
        form=lambda task: f"The JSON has this form: {json.dumps(_shape(task.own['schema']))}",
        tuned_input="Text: {{input}}",
    ),
    tokens=Tokens(basic=96, prompted=96, tuned=128),  # 97 of 100 answers to CoNLL-2003 have at most 186 characters
    metrics=("entity_f1", "entity_precision", "entity_recall", "text_entity_f1", "valid_json"),
    rated_by="text_entity_f1",
    slices=("length",),
    length=(7, 12),  # thirds of the sentences of CoNLL-2003 lie near these
    baseline="gazetteer",
    columns=("text", "entities"),
    pipeline_tag="token-classification",
    lines=True,
    read_answer=read_answer,
    answers_by=("schema",),
    packages=("jsonschema",),
    unreadable=lambda answer, own: "is no JSON that task.schema allows",
)
