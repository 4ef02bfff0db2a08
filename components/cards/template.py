"""A card's template, filled in a sandbox: a field that there is not is an error, never an empty place, and no expression
reaches beyond what it is given.

A known field without a value reads "not measured". What a stage leaves in its results differs from use case to use case,
so of those fields the ones that may be missing are listed here (`OPTIONAL`); a key that is not fixed is asked for by
`.get(…)`. Names are checked before anything is filled, also where no branch leads; the rest when it is reached.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel

from components.core import BadInput
from components.core.use_case import UseCase

from .record import TEMPLATES, Record

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment
    from jinja2.nodes import Node, Template

TYPES: dict[str, type[BaseModel]] = {"record": Record, "contract": UseCase}
"""Names in a template whose fields are known."""
_OPTIONAL = """
    abstain abstain_bias accuracy after after_metric alias allowed answer approval asked at before before_metric beside
    bias bias_at_most biased brier by calibration_error calls candidate change characters checks clean confidence
    conflict contamination contamination_at_most contamination_list cost cost_per_1000_answers count coverage curation
    currency decision decode_tokens_per_second demonstrations deployment detectable did difference digest documents
    does dropped dropped_rows effect element end enough environment estimated_accuracy evaluated evaluation_rows
    evidence examples failed fairness figure figures flagged found functions gain gains gold_accuracy gold_rows
    gold_votes group groups herfindahl high high_wh index instruction intended_use kept kind label label_model
    labelling labels language largest latency_p50 latency_p95 licence lost low low_wh machine_hour made majority_vote
    margin mean_confidence measured megabytes memory_gb metric metrics model n name not_measured not_shown notes number
    object objective origin others out_of_domain out_of_scope over over_random over_share overlap overlaps_removed own
    owner p p50 p95 p_value parameters perplexity_after perplexity_before points policy port power
    prefill_tokens_per_second primary problem processor_seconds profile prompt provenance quarantined quoted rate read
    reason recovery reference references removed results retriever risk_tier robustness role rows run_id rung said
    scenarios score seconds seen settings sha256 share shows slice_gains slices source sources splits status step steps
    suspects synthetic system table tables task taught technique text texts tokens touched_by toxic toxicity
    trained_documents trained_share training_knowledge_excluded training_origins tuned turns unit use_case user value
    variant verdict version where who without worsening
"""
OPTIONAL = frozenset(_OPTIONAL.split())
"""Fields below the free-form parts of a record that a template may ask for where there is none: "not measured"."""


class UnknownField(Exception):
    """A template asked for a field that its owner does not have."""


def sandbox(loader: "BaseLoader", finalize: Callable[[object], str], *, keep_trailing_newline: bool) -> "Environment":
    """A Jinja2 environment that changes nothing, calls nothing private, and knows the fields of what it is given."""
    from jinja2 import ChainableUndefined, StrictUndefined, Undefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Fields(ImmutableSandboxedEnvironment):
        def getattr(self, obj: object, attribute: str) -> object:
            return self._known(obj, attribute, super().getattr(obj, attribute))

        def getitem(self, obj: object, argument: object) -> object:
            return self._known(obj, argument, super().getitem(obj, argument))

        def _known(self, obj: object, name: object, value: object) -> object:
            if not isinstance(value, Undefined) or str(name).startswith("_"):  # what is private raises when it is used
                return value
            if isinstance(obj, (dict, ChainableUndefined)) and name in OPTIONAL:
                return ChainableUndefined(name=str(name))
            if isinstance(obj, (dict, BaseModel, Undefined)):
                raise UnknownField(_unknown(name, obj))
            return value

    return Fields(undefined=StrictUndefined, loader=loader, finalize=finalize, keep_trailing_newline=keep_trailing_newline)


def filled(environment: "Environment", path: Path, names: Mapping[str, object]) -> str:
    """The text that the template at `path` gives. names: what it is given. Raises BadInput naming file, line and field."""
    from jinja2 import TemplateSyntaxError

    try:
        text = path.read_text(encoding="utf-8")
        tree = environment.parse(text)
        _check_names(path, text, tree, {*names, *environment.globals}, names)
        _check_fields(path, tree)
        template = environment.template_class.from_code(
            environment, environment.compile(text, filename=str(path)), {**environment.globals}
        )
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}). Give the path of a card template") from error
    except TemplateSyntaxError as error:
        raise BadInput(f"{path}, line {error.lineno}: not a template: {error.message}") from error
    try:
        return template.render(names)
    except Exception as error:  # whatever a template computes is its writer's to mend
        if path.parent == TEMPLATES:
            raise  # ours: a fault of this program
        raise BadInput(f"{path}, line {_line(error, path)}: {_said(error)}") from error


def _check_names(path: Path, text: str, tree: "Template", known: set[str], names: Mapping[str, object]) -> None:
    from jinja2 import meta

    for name in sorted(meta.find_undeclared_variables(tree) - known):
        line = next((number for number, one in enumerate(text.splitlines(), 1) if name in one), 1)
        raise BadInput(f"{path}, line {line}: field '{name}' is not known; allowed: {', '.join(sorted(names))}")


def _check_fields(path: Path, tree: "Template") -> None:
    from jinja2 import nodes

    for node in tree.find_all(nodes.Getattr):
        owner = _type_of(node.node)
        if owner is not None and not hasattr(owner, node.attr) and node.attr not in owner.model_fields:
            allowed = ", ".join(sorted(owner.model_fields))
            where = f"{path}, line {node.lineno}"
            raise BadInput(f"{where}: field '{node.attr}' of {owner.__name__} is not known; allowed: {allowed}")


def _type_of(node: "Node") -> type[BaseModel] | None:
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


def _unknown(name: object, owner: object) -> str:
    if isinstance(owner, BaseModel):
        return (
            f"field '{name}' of {type(owner).__name__} is not known; allowed: {', '.join(sorted(type(owner).model_fields))}"
        )
    has = (
        f"there are: {', '.join(map(str, sorted(owner, key=str)))}" if isinstance(owner, dict) and owner else "there is none"
    )
    return f"field '{name}' is not known; {has} (a key that may be missing: `.get('{name}')`)"


def _said(error: Exception) -> str:
    if isinstance(error, UnknownField):
        return str(error)
    return f"cannot be filled: {type(error).__name__}: {error}"


def _line(error: BaseException, path: Path) -> int | str:
    """The template's line in which it happened; Jinja2 puts its lines into the traceback."""
    trace, line = error.__traceback__, None
    while trace:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
        trace = trace.tb_next
    return "?" if line is None else line
