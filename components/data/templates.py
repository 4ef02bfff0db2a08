"""Texts made of several fields of a row: `text: "Sensor {{sensor}} at {{time}}: {{value}}"`, as logs and sensors need.

A field's name between two pairs of braces and nothing else: no code runs, unlike in Jinja.
"""

import re
from collections.abc import Callable, Mapping

_FIELD = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def names(template: str) -> list[str]:
    """The fields that a template names."""
    return _FIELD.findall(template)


def filled(
    templates: Mapping[str, str], fields: dict[str, object], shown: Callable[[object], str | None]
) -> tuple[dict[str, object], str | None]:
    """(the fields, and with them the texts that `templates` make of them; why one cannot be made). shown: a value as text,
    or None for what is missing or no text."""
    made = dict(fields)
    for ours, template in templates.items():
        parts = _FIELD.split(template)  # text, field, text, field, … text
        for place in range(1, len(parts), 2):
            text = shown(fields.get(parts[place]))
            if text is None:
                return made | {ours: None}, f"it has no '{parts[place]}', which the template of '{ours}' names"
            parts[place] = text
        made[ours] = "".join(parts)
    return made, None
