"""The contract's reference, `docs/contract.md`, made from the types that read contracts and profiles.

    python docs/contract.py      write the page anew (`make docs`)

A key's meaning is the text under its field in the type. Not covered: rules between keys; a contract that breaks one is
refused with a message that names the key.
"""

import ast
import inspect
import re
import types
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from components import data, deployment, evaluation, feedback, ladder, optimization, prompting, retrieval, selection, tuning
from components.core import Frozen, Profile, UseCase, publish_text
from components.data.filters import FILTERS
from components.optimization import techniques as optimizations
from components.tasks import kind_of, names
from components.training import DOCUMENTS, objectives
from components.training import techniques as trainings

PAGE = Path(__file__).with_suffix(".md")
STAGES: dict[str, type[Frozen]] = {
    "ladder": ladder.Config,
    "selection": selection.Config, "prompting": prompting.Config, "retrieval": retrieval.Config, "tuning": tuning.Config,
    "feedback": feedback.Config, "evaluation": evaluation.Config, "optimization": optimization.Config,
}  # fmt: skip
ONLY_PROFILE: dict[str, type[Frozen]] = {"data": data.Config, "deployment": deployment.Config}
"""In a contract these two words hold what is wanted; a profile sizes it."""
FILLED = {"deployment", "deployment.model_name"}
"""Keys that the use case's own name stands in for."""
INTERNAL = {"own"}
"""Where a stage keeps its techniques' settings: nobody writes this key."""
LONGEST = 400
"""Characters of a default that is shown."""
BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "pattern": "`{}`"}
WORDS: dict[object, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", object: "anything"}

HEAD = """# The contract, key by key

A use case is one YAML file, the contract; a profile says where and how big it runs. This page is made from the types that
read both: `python docs/contract.py` (or `make docs`) writes it anew, and a test fails where it is stale.

A key may be left out unless it is `required`. `text: number` is a mapping of names to numbers; "None" means no such key.
Start with `ninefold init`, which writes a commented contract for a [kind of task](#kinds-of-task); the shortest one is
[ten lines long](../README.md#your-own-use-case). How a file is read: [data](data.md#the-yaml-itself).

"""
FILTERED = """## Filters

Each is asked for by its `name` in `data.filters`, with these settings beside it
([data](data.md#bring-your-documents) shows how).

"""
PROFILED = """## The profile

`--profile` takes `smoke`, `cpu`, `ladder`, `gpu` or the path of a file like theirs (`flows/profiles/`). Sections named by a
stage's word hold [that stage's settings](#settings-of-the-stages); where the contract has the section too, its keys win.

"""
SETTINGS = """## Settings of the stages

Sections of the contract, or of the profile. `data` and `deployment` are parts of the contract itself, so these settings of
theirs stand in a profile only.

"""


def page() -> str:
    """The page as it must be."""
    parts = [HEAD, "## Top level\n\n", table(UseCase, "", {*STAGES}), *_below(UseCase, "")]
    parts += [
        "## Kinds of task\n\nEach is a word for `task.kind`; its own keys stand in `task` too.\n\n",
        *map(_kind, names()),
    ]
    parts += [FILTERED, *(_variant(f"### `{name}`\n\n", kind.Config) for name, kind in FILTERS.items())]
    parts += [PROFILED, table(Profile, "", {*STAGES, *ONLY_PROFILE}), *_below(Profile, "")]
    parts += [
        SETTINGS,
        *(f"### `{word}`\n\n{table(kind, word)}{''.join(_below(kind, word))}" for word, kind in STAGES.items()),
    ]
    parts += [f"### `{word}` of a profile\n\n{table(kind, word)}" for word, kind in ONLY_PROFILE.items()]
    parts += ["### Techniques of `tuning`\n\nTheir settings stand in `tuning` beside `technique`.\n\n"]
    parts += [_variant(f"`{name}`: ", trainings.technique(name).Settings) for name in trainings.TECHNIQUES]
    parts += ["### Objectives of `tuning.pretraining`\n\nTheir settings stand in `settings` beside `objective`.\n\n"]
    parts += [_variant(f"`{name}`: ", objectives.objective(name).Settings) for name in DOCUMENTS]
    parts += ["### Techniques of `optimization`\n\nTheir settings stand in `optimization` under the technique's name.\n\n"]
    parts += [_variant(f"`{name}`: ", optimizations.technique(name).Settings) for name in optimizations.TECHNIQUES]
    return "".join(parts).rstrip() + "\n"


def table(kind: type[Frozen], path: str, skip: set[str] = INTERNAL) -> str:
    """The keys of `kind`, which stands at `path` in the file: what each takes, its default, its meaning."""
    said = meanings(kind)
    rows = ["| key | takes | default | meaning |\n| --- | --- | --- | --- |\n"]
    for name, field in kind.model_fields.items():
        if name not in skip:
            inner = path if kind in _leaves(field.annotation) else _join(path, name)
            cells = (
                f"`{field.alias or name}`", takes(field, inner), _default(field, _join(path, name)), said.get(name, ""),
            )  # fmt: skip
            rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n")
    return "".join([*rows, "\n"]) if len(rows) > 1 else "No settings of its own.\n\n"


def meanings(kind: type[Frozen]) -> dict[str, str]:
    """Field → the text under it, of the type and of those that it extends."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if not issubclass(one, Frozen):
            continue
        (body,) = ast.parse(dedent(inspect.getsource(one))).body
        assert isinstance(body, ast.ClassDef)
        for field, text in pairwise(body.body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value))
    return found


def takes(field: FieldInfo, path: str) -> str:
    """What may stand there, in words; a type with keys of its own is a link to its section, `path`."""
    bounds = [
        text.format(value)
        for item in field.metadata
        for name, text in BOUNDS.items()
        if (value := getattr(item, name, None)) is not None
    ]
    return " ".join([_words(field.annotation, path), *bounds])


def _words(found: object, path: str) -> str:
    origin, inner = get_origin(found), get_args(found)
    if origin is Annotated:
        return _words(inner[0], path)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(one, path) for one in inner if one is not type(None))
    if origin is tuple:
        return f"list of {_words(inner[0], path)}" if inner[-1] is Ellipsis else f"{len(inner)} × {_words(inner[0], path)}"
    if origin is dict:
        return f"{_words(inner[0], path)}: {_words(inner[1], path)}"
    if isinstance(found, type) and issubclass(found, Frozen):
        return f"[keys](#{re.sub(r'[^a-z_]', '', path)})"
    return WORDS[found]


def _default(field: FieldInfo, path: str) -> str:
    value = field.default
    if field.is_required():
        return "" if path in FILLED else "required"
    if isinstance(value, Frozen) or value in (None, "", (), {}):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value) if len(str(value)) < LONGEST else f"{len(value)} files"
    if isinstance(value, dict):
        return ", ".join(f"`{key}: {one}`" for key, one in value.items())
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _below(kind: type[Frozen], path: str) -> Iterator[str]:
    """The sections of the types within `kind`, and of those within them."""
    for name, field in kind.model_fields.items():
        for one in _leaves(field.annotation):
            if isinstance(one, type) and issubclass(one, Frozen) and one is not kind:
                inner = _join(path, name)
                yield _variant(f"### `{inner}`\n\n", one, inner)
                yield from _below(one, inner)


def _leaves(found: object) -> Iterator[object]:
    """The types that an annotation is made of."""
    inner = get_args(found) if get_origin(found) is not Literal else ()
    for one in inner:
        yield from _leaves(one)
    if not inner:
        yield found


def _variant(title: str, kind: type[Frozen], path: str = "") -> str:
    """The section of a type: what is said of it (of a variant, by its file), and its keys."""
    said = kind.__doc__ if path else getattr(inspect.getmodule(kind), "__doc__", None)
    return title + _flowing(said, whole=bool(path)) + table(kind, path)


def _kind(name: str) -> str:
    kind = kind_of(name)
    metrics, slices = (", ".join(f"`{word}`" for word in words) for words in (kind.metrics, kind.slices))
    asked, answered = kind.columns
    return (
        f"### `{name}`\n\n{_flowing(getattr(inspect.getmodule(kind.fields), '__doc__', None))}"
        f"Input `{asked}`, answer `{answered}`. Metrics: {metrics}. Slices: {slices}. "
        f"Plain baseline: `{kind.baseline}`.\n\n{table(kind.fields, 'task')}{''.join(_below(kind.fields, 'task'))}"
    )


def _flowing(text: str | None, whole: bool = False) -> str:
    """A docstring as paragraphs of one line each, or its first one."""
    paragraphs = [part.replace("\n", " ") for part in inspect.cleandoc(text or "").split("\n\n")]
    return "".join(f"{part}\n\n" for part in (paragraphs if whole else paragraphs[:1]) if part)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


if __name__ == "__main__":
    publish_text(PAGE, page())
