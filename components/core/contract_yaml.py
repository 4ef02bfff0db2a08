"""YAML as people write contracts: `yes`, `no`, `on`, `off`, dates and `007` are text, `2e-2` a number, no key stands twice.

That is YAML 1.2; PyYAML reads 1.1, where the label `no` is False and `12:30` is 750. Fields that are true or false, or
numbers, still take these words.
"""

import re
from collections.abc import Hashable

import yaml


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
    return yaml.load(text, _Loader)
