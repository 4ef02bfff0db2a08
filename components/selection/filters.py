"""Hard filters: may this model be used here, and can it run? Each check gives a reason, or None when it passes.

What passes is measured by the stage; no filter guesses at quality.
"""

import os
from collections.abc import Callable

from components.core import ASSETS, Frozen, Limits, Policy, Task
from components.tasks import kind_of

from .catalogue import Model

RUNNABLE = ("decoder",)
"""Architectures that an engine of `components/application/engines` runs."""


class Need(Frozen):
    """What the use case, its policy and the profile ask of a model."""

    task: Task
    policy: Policy
    limits: Limits
    dtype: str
    context_tokens: int
    hub: bool
    """Whether a model hub may be asked."""
    endpoints: dict[str, str] = {}
    """Model name → URL of an OpenAI-compatible server that has it."""


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
    if model.context >= need.context_tokens:
        return None
    return f"its context of {model.context} tokens is below the {need.context_tokens} that prompts here need"


def _language(model: Model, need: Need) -> str | None:
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
    if model.architecture in RUNNABLE:
        return None
    return (
        f"no engine here runs its architecture ({model.architecture.replace('_', '-')}); engines run {', '.join(RUNNABLE)}s"
    )


def _quotes(model: Model, need: Need) -> str | None:
    if not need.task.quoted or model.source != "endpoint":
        return None
    return "task.answers is quoted, and an endpoint cannot be held to words of the context"


CHECKS: tuple[Callable[[Model, Need], str | None], ...] = (
    _task, _modality, _licence, _use, _hosted, _memory, _context, _language, _engine, _quotes,
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
