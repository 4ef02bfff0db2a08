"""Use cases that are tuned together (`tuning.together`): their contracts, read and held against the run's own, and what
their rows bring to its training.

Each other use case is read under the same profile, and its data is prepared by the step of its own run, so that either run
finds what the other prepared. What it says of stages behind the data is for its own run.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from components import data
from components.core import BadInput, Contract, Dataset, Together
from components.core.together import STAGE
from components.data.stage import Config as DataConfig
from components.data.stage import check_settings as check_data
from components.selection import Config as SelectionConfig
from components.selection.stage import rejections
from components.use_case.checks import licences_allow
from flows.run import Run

if TYPE_CHECKING:
    from flows.steps import Steps

KEY = "section 'tuning', key 'together'"


def others(run: Run, named: tuple[str, ...]) -> tuple[Run, ...]:
    """The use cases that `run` names, in order. Raises BadInput with the file that does not fit the run's own."""
    found: dict[str, Run] = {run.use_case.name: run}
    for name in named:
        path = run.path.parent / name
        if not path.is_file():
            raise BadInput(f"{run.path}: {KEY}: {path}: no such file. Give the path of a use case's YAML, beside this one's")
        if path.samefile(run.path):
            raise BadInput(f"{run.path}: {KEY}: {name} is this use case itself; its own rows are always trained on")
        other = Run.read(path, run.profile_path, run.workspace)
        if known := found.get(other.use_case.name):
            raise BadInput(
                f"{run.path}: {KEY}: {name} is called '{other.use_case.name}', as {known.path.name} is; a use case is named "
                "once, by its key 'name'"
            )
        if wrong := _against(run, other):
            raise BadInput(f"{run.path}: {KEY}: {name}: {wrong}")
        check_data(other.settings("data", DataConfig), other.use_case)
        found[other.use_case.name] = _alone(other)
    return tuple(found.values())[1:]


def _alone(run: Run) -> Run:
    """The run of another use case, without those that it names in turn: it is not tuned here."""
    left = {key: value for key, value in run.use_case.tuning.items() if key != "together"}
    settings = {key: value for key, value in run.profile.tuning.items() if key != "together"}
    contract = run.use_case.model_copy(update={"tuning": left})
    return replace(run, use_case=contract, profile=run.profile.model_copy(update={"tuning": settings}))


def _against(run: Run, other: Run) -> str:
    """Why the two cannot be tuned together; empty where they can."""
    ours, theirs = (one.settings("selection", SelectionConfig) for one in (run, other))
    for key in ("dtype", "context"):
        one, two = getattr(ours, key), getattr(theirs, key)
        if one != two:
            return f"its selection.{key} is {two}, and here it is {one}: one adapter runs as it was trained; make them equal"
    contract = run.use_case
    rejected = rejections(ours, contract.task, contract.policy, contract.limits)
    models = [one.name for one in ours.asked if one.architecture == "decoder" and one.name not in rejected]
    there = {one.name for one in theirs.asked}
    against = rejections(theirs, other.use_case.task, other.use_case.policy, other.use_case.limits)
    against |= {name: "it does not list it (selection.models)" for name in models if name not in there}
    if lost := [name for name in models if name in against]:
        return (
            f"it cannot use model '{lost[0]}', which may be tuned here: {against[lost[0]]}. Set selection.models here "
            "to what both can use, or leave this file out"
        )
    judged = licences_allow(other.use_case.model_copy(update={"policy": contract.policy}))
    if forbidden := next((check for check in judged if not check.ok), None):
        return f"{forbidden.check} is {forbidden.found}, and this use case needs {forbidden.needed}: leave this file out"
    return ""


def brought(do: "Steps", dataset: Dataset) -> Together | None:
    """What the named use cases bring beside the run's own rows, whose data is `dataset`; None where none is named."""
    run = do.run
    if not run.together:
        return None
    contracts = [Contract(use_case=run.use_case.name, task=run.use_case.task, dataset=dataset)]
    for other in run.together:
        name = other.use_case.name
        theirs = prepared(do, other, STAGE, called=f"{STAGE}.{name}")
        contracts.append(Contract(use_case=name, task=other.use_case.task, dataset=theirs.dataset))
    contracts.sort(key=lambda one: one.use_case)
    apart = do(STAGE, data.keep_apart, contracts=tuple(contracts))
    shares = {one.use_case: one for one in apart.shares}
    own = shares.pop(run.use_case.name)
    return Together(own=own, others=tuple(shares.values()))


def prepared(do: "Steps", run: Run, stage: str = "data", called: str = "") -> data.Prepared:
    """The data step of a use case. run: its own; called: see `Steps`"""
    contract, folder = run.use_case, run.path.parent
    return do(
        stage,
        data.prepare,
        called=called,
        task=contract.task,
        data=contract.data,
        policy=contract.policy,
        sources=run.sources,
        folder=folder,
        formats=data.found_formats(contract.data, folder, run.workspace),
        suppressed=run.suppressed,
        hub=run.hub_tasks(),
    )
