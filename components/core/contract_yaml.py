"""YAML as people write contracts: `yes`, `no`, `on`, `off`, dates and `007` are text, `2e-2` a number, no key stands twice.

That is YAML 1.2; PyYAML reads 1.1, where the label `no` is False and `12:30` is 750. Fields that are true or false, or
numbers, still take these words. A text that is small and means a lot (an alias of an alias of a list …), that holds itself,
or that is nested deeper than anybody writes, is refused before anything is built of it.
"""

import re
from collections.abc import Hashable

import yaml
from yaml import events

DEEPEST = 50
"""Lists and mappings inside each other; at some 300 PyYAML ends in a RecursionError."""
MOST_VALUES = 100_000
"""With what stands behind aliases counted each time. A contract has some hundred."""


class _Loader(yaml.SafeLoader):
    """SafeLoader, with the words of YAML 1.2's core schema; `007` and `+1` stay text, since their spelling would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        lines: dict[object, int] = {}
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                key, line = self.construct_object(key_node), key_node.start_mark.line + 1
                if key in lines:
                    where = f"in line {line}" if line == lines[key] else f"in lines {lines[key]} and {line}"
                    raise yaml.YAMLError(f"key '{key_node.value}' stands twice, {where}; keep one")
                lines[key] = line
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.")),
    ("merge", r"<<", ["<"]),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)


def load(text: str) -> object:
    """The values of one document; raises yaml.YAMLError, with both lines for a key that stands twice."""
    _check_size(text)
    try:
        return yaml.load(text, _Loader)
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise yaml.YAMLError(f"a number is too long ({error}); in quotes it is text") from error


def _check_size(text: str) -> None:
    """Raise yaml.YAMLError for a text that is nested too deep or means too much, before a value of it is built."""
    sizes: dict[str | None, int] = {}
    inside: list[tuple[str | None, int]] = []
    """Anchor and values so far of each list and mapping that is not at its end."""
    for event in yaml.parse(text, yaml.SafeLoader):
        where = f"line {event.start_mark.line + 1}" if event.start_mark else "the text"
        if isinstance(event, events.CollectionStartEvent):
            inside.append((event.anchor, 1))
            if len(inside) > DEEPEST:
                raise yaml.YAMLError(f"{where}: nested deeper than {DEEPEST} lists and mappings; write it flatter")
            continue
        if isinstance(event, events.AliasEvent):
            if event.anchor in dict(inside):
                raise yaml.YAMLError(f"{where}: '*{event.anchor}' stands inside of what it names; write out what you mean")
            values = sizes.get(event.anchor, 1)
        elif isinstance(event, events.CollectionEndEvent):
            anchor, values = inside.pop()
            sizes[anchor] = values
        elif isinstance(event, events.ScalarEvent):
            values = sizes[event.anchor] = 1
        else:
            continue  # begin and end of the document
        if inside:
            inside[-1] = (inside[-1][0], inside[-1][1] + values)
        if inside and inside[-1][1] > MOST_VALUES:
            raise yaml.YAMLError(
                f"{where}: with its aliases written out it holds more than {MOST_VALUES:,} values; a use case or profile "
                "has some hundred"
            )
