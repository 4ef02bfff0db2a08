"""What somebody changed in MLflow itself, past the approvals: an alias that was moved, a version that was deleted, or made
there and not from here, tags that were edited. It is named and never followed: the ledger says which version is champion,
and the next promotion puts MLflow right.
"""

from typing import TYPE_CHECKING

from components.core import Workspace

from .registry import ALIASES, MARK, Registered, Registry, edited

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

MISSING = "RESOURCE_DOES_NOT_EXIST"


def tampered(workspace: Workspace, model: str) -> list[str]:
    """One sentence for each difference between MLflow and the ledger; empty where they agree. Loads MLflow (about 2 s).

    An MLflow that does not answer is one sentence too: what runs here does not need it.
    """
    registry = Registry(workspace)
    withdrawn = registry.withdrawn(model)
    versions = [version for version in registry.versions(model) if version.version not in withdrawn]
    if not versions:
        return []
    from mlflow.exceptions import MlflowException

    try:
        there = {int(shown.version): shown for shown in registry.client.search_model_versions(f"name = '{model}'")}
        aliases = {alias: int(held) for alias, held in registry.client.get_registered_model(model).aliases.items()}
    except MlflowException as error:
        if error.error_code != MISSING:
            return [f"MLflow does not answer, so that its aliases were not checked: {str(error).splitlines()[0]}"]
        return [f"model '{model}' was deleted in MLflow, not from here"]
    return [*_aliases(registry, model, aliases), *_versions(versions, there), *_strangers(registry, model, there)]


def deleted(registry: Registry, version: Registered) -> bool:
    """Whether MLflow has lost `version`."""
    there = registry.client.search_model_versions(f"name = '{version.model}'")
    return version.version not in {int(one.version) for one in there}


def _aliases(registry: Registry, model: str, there: dict[str, int]) -> list[str]:
    differences = []
    for alias in ALIASES:
        ours, theirs = registry.holder(model, alias), there.get(alias)
        if ours == theirs:
            continue
        begun = registry.begun(model, alias)
        if begun is not None and theirs == begun:
            differences.append(f"the move of `{alias}` to version {begun} was interrupted: repeat what made it")
        elif theirs is None:
            differences.append(f"`{alias}` was removed in MLflow, not from here; the record says version {ours} holds it")
        else:
            holds = f"version {ours} holds it" if ours else "nobody holds it"
            differences.append(f"`{alias}` was moved in MLflow to version {theirs}, not from here; the record says {holds}")
    return differences


def _versions(versions: list[Registered], there: "dict[int, ModelVersion]") -> list[str]:
    changes = []
    for version in versions:
        shown = there.get(version.version)
        if shown is None:
            changes.append(f"version {version.version} was deleted in MLflow, not from here")
            continue
        if names := edited(version, shown):
            changes.append(f"tags of version {version.version} were edited in MLflow, not from here: {', '.join(names)}")
    return changes


def _strangers(registry: Registry, model: str, there: "dict[int, ModelVersion]") -> list[str]:
    ours = {version.version for version in registry.versions(model)} | registry.made(model)
    half, differences = registry.half_made(model), []
    for number in sorted(set(there) - ours):
        if there[number].tags.get(MARK) in half:
            differences.append(f"the registration of version {number} was interrupted: run the use case again")
        else:
            differences.append(f"version {number} was made in MLflow, not from here")
    return differences
