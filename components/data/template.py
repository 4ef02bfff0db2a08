"""One input made of several fields of a file, as `Source.template` says: a premise and a claim, a title and a text."""

from collections.abc import Mapping, Sequence

import regex

from components.core import BadInput, Source

_FIELD = regex.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def template_fields(source: Source, number: int, inputs: Sequence[str]) -> list[str]:
    """The file's fields that the template of data.sources.`number` names, each once. inputs: our names of the input.

    Raises BadInput for a template without a field, or beside another input.
    """
    key = f"data.sources.{number}.template"
    names = list(dict.fromkeys(_FIELD.findall(source.template or "")))
    if not names:
        raise BadInput(f"{key}: it names no field; write each of them as the file does between braces: `{{{{field}}}}`")
    if source.role == "knowledge":
        raise BadInput(f"{key}: it makes inputs, and a source with the role 'knowledge' has none; remove it")
    if mapped := [name for name in inputs if name in source.fields]:
        raise BadInput(f"{key}: it makes the input, which data.sources.{number}.fields.{mapped[0]} names too; remove one")
    return names


def filled(template: str, values: Mapping[str, str | None]) -> tuple[str | None, str | None]:
    """(the input, or None; why there is none). values: field → its text, None where it is missing"""
    if missing := [name for name, value in values.items() if value is None]:
        return (
            None,
            f"its field {', '.join(map(repr, missing))}, which data.sources.template names, is missing or is no text",
        )
    return _FIELD.sub(lambda field: values[field[1]] or "", template), None
