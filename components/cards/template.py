"""A card's template, checked before it is filled: a field that the record does not have is an error, not an empty place.

Undefined values in a known field still read "not measured"; only names that can never have a value are refused. Not
covered: fields below free-form dictionaries (results of steps), whose keys each stage chooses.
"""

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from components.core import BadInput
from components.core.use_case import UseCase

from .record import Record

TYPES: dict[str, type[BaseModel]] = {"record": Record, "contract": UseCase}
"""Names in a template whose fields are known."""


def checked(environment: Any, path: Path, names: dict[str, Any]) -> Any:
    """The template at `path`. names: what it will be given. Raises BadInput naming file, line and field."""
    from jinja2 import TemplateSyntaxError, meta

    try:
        text = path.read_text(encoding="utf-8")
        tree = environment.parse(text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}). Give the path of a card template") from error
    except TemplateSyntaxError as error:
        raise BadInput(f"{path}, line {error.lineno}: not a template: {error.message}") from error
    known = {*names, *environment.globals}
    for name in sorted(meta.find_undeclared_variables(tree) - known):
        line = next((number for number, one in enumerate(text.splitlines(), 1) if name in one), 1)
        raise BadInput(f"{path}, line {line}: field '{name}' is not known; allowed: {', '.join(sorted(names))}")
    _check_fields(path, tree)
    return environment.from_string(text)


def _check_fields(path: Path, tree: Any) -> None:
    from jinja2 import nodes

    for node in tree.find_all(nodes.Getattr):
        owner = _type_of(node.node)
        if owner is not None and not hasattr(owner, node.attr) and node.attr not in owner.model_fields:
            allowed = ", ".join(sorted(owner.model_fields))
            where = f"{path}, line {node.lineno}"
            raise BadInput(f"{where}: field '{node.attr}' of {owner.__name__} is not known; allowed: {allowed}")


def _type_of(node: Any) -> type[BaseModel] | None:
    """The model that an expression like `contract.task` stands for, where that is known."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return TYPES.get(node.name)
    if not isinstance(node, nodes.Getattr):
        return None
    owner = _type_of(node.node)
    field = owner.model_fields.get(node.attr) if owner else None
    if field is None:
        return None
    kinds = [one for one in (field.annotation, *get_args(field.annotation)) if isinstance(one, type)]
    return next((one for one in kinds if issubclass(one, BaseModel)), None)
