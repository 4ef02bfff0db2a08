"""Hard filters: may this model be used here, and can it run? Each check gives a reason, or None when it passes.

What passes is measured by the stage; no filter guesses at quality.
"""

import os
from collections.abc import Callable

from components.application import engine, engine_of
from components.core import ASSETS, Context, Frozen, Limits, Policy, Task
from components.tasks import kind_of
from components.text import label_of

from .catalogue import Model


class Need(Frozen):
    """What the use case, its policy and the profile ask of a model."""

    task: Task
    policy: Policy
    limits: Limits
    dtype: str
    context_tokens: int
    context: Context | None = None
    """How far it is to read (`Runtime.context`)."""
    hub: bool
    """Whether a model hub may be asked."""
    endpoints: dict[str, str] = {}
    """Model name → URL of an OpenAI-compatible server that has it."""


def engine_for(model: Model) -> str | None:
    """The engine that would run `model`; None where there is none."""
    return "openai" if model.source == "endpoint" else engine_of(model.architecture)


def names_of_labels(model: Model, task: Task) -> dict[str, str]:
    """A classifier's own labels → the contract's, for those that the contract has."""
    found = {own: label_of(task.labels, called) for own, called in model.labels.items()}
    return {own: label for own, label in found.items() if label}


def rejection(model: Model, need: Need) -> str | None:
    """Why `model` cannot be used, all reasons in one line; None when it can. Availability is asked of what else passes."""
    reasons = [reason for check in CHECKS if (reason := check(model, need))]
    if not reasons and (reason := _availability(model, need)):
        reasons = [reason]
    return "; ".join(reasons) or None


def _licence(model: Model, need: Need) -> str | None:
    if model.licence in need.policy.licences:
        return None
    return f"its licence {model.licence} is not among those that the policy allows ({', '.join(need.policy.licences)})"


def _use(model: Model, need: Need) -> str | None:
    if model.use == "research" and need.policy.use == "production":
        return "its licence allows research only and this use is production"
    return None


def _hosted(model: Model, need: Need) -> str | None:
    if model.source == "endpoint" and not need.policy.hosted_models:
        return "it is hosted elsewhere and the policy keeps inputs on this machine (policy.hosted_models: false)"
    return None


def _memory(model: Model, need: Need) -> str | None:
    memory = model.memory_gb(need.dtype)
    if model.source == "endpoint" or memory <= need.limits.memory_gb:
        return None
    return f"it needs {memory:.1f} GB in {need.dtype} and limits.memory_gb is {need.limits.memory_gb:g}"


def _context(model: Model, need: Need) -> str | None:
    if need.context and (name := engine_for(model)) and not engine(name).CONTEXT:
        return f"engine '{name}' cannot be told how far it reads (selection.context)"
    reach = model.context * (need.context.factor if need.context else 1)
    if reach >= need.context_tokens or not model.instructed:  # without a prompt around it the text alone counts
        return None
    return f"its context of {model.context} tokens is below the {need.context_tokens} that prompts here need"


def _language(model: Model, need: Need) -> str | None:
    if model.source.startswith("made:"):
        return None  # its weights are random: it knows no language, and tries the machinery in any
    wanted = kind_of(need.task.kind).languages(need.task)
    missing = [language for language in wanted if language not in model.languages]
    return f"it does not cover the language '{missing[0]}'" if missing else None


def _modality(model: Model, need: Need) -> str | None:
    return None if model.modality == "text" else f"it reads {model.modality}; this use case gives text"


def _task(model: Model, need: Need) -> str | None:
    if kind_of(need.task.kind).model_tasks & set(model.tasks):
        return None
    return f"it is made for {', '.join(model.tasks)}, not for {need.task.kind.replace('_', ' ')}"


def _engine(model: Model, need: Need) -> str | None:
    if engine_of(model.architecture):
        return None
    return f"no engine here runs its architecture ({model.architecture.replace('_', '-')})"


def _quotes(model: Model, need: Need) -> str | None:
    name = engine_for(model)
    if not need.task.quoted or name is None or engine(name).QUOTES:
        return None
    return f"task.answers is quoted, and engine '{name}' cannot be held to words of the context"


def _labels(model: Model, need: Need) -> str | None:
    if model.architecture != "encoder" or not need.task.labels:
        return None
    named = names_of_labels(model, need.task)
    missing = [label for label in need.task.labels if label not in named.values()]
    if not missing:
        return None
    own = ", ".join(model.labels) or "not known"
    return f"its labels ({own}) hold none for '{missing[0]}'; say which is which (selection.more, key 'labels')"


CHECKS: tuple[Callable[[Model, Need], str | None], ...] = (
    _task, _modality, _licence, _use, _hosted, _memory, _context, _language, _engine, _quotes, _labels,
)  # fmt: skip


def _availability(model: Model, need: Need) -> str | None:
    kind, _, rest = model.source.partition(":")
    if kind == "asset":
        known = rest.partition("/")[0] in ASSETS
        return None if known else f"the asset '{rest.partition('/')[0]}' is not known; known: {', '.join(sorted(ASSETS))}"
    if kind == "endpoint":
        return None if model.name in need.endpoints else "no server is named for it (selection.endpoints)"
    if kind == "hub" and not _cached(rest):
        if os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on"):
            return "not on this machine: HF_HUB_OFFLINE forbids to fetch it"
        if not need.hub:
            return "not on this machine: no model hub may be asked (set selection.hub: true where one is reachable)"
    return None


def _cached(reference: str) -> bool:
    """Whether the local Hugging Face cache holds the model `<id>@<revision>`."""
    from huggingface_hub import try_to_load_from_cache

    repository, _, revision = reference.partition("@")
    return isinstance(try_to_load_from_cache(repository, "config.json", revision=revision or "main"), str)
