"""One run of one use case on one profile: what it reads, the key that names it, and whether it is finished already.

Nothing here imports torch, MLflow or Prefect: a finished run is recognised, and bad input refused, before any of them loads.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from components.core import (
    ASSETS,
    STAGES,
    BadInput,
    FeedbackStore,
    Frozen,
    Profile,
    UseCase,
    Workspace,
    digest_of,
    read_yaml,
    stage_config,
)
from components.core.code import PACKAGES, ROOT, pins
from components.core.errors import Damaged
from components.core.files import read_json, set_aside
from components.core.hub_task import HubTask
from components.core.rates import measured_once
from components.data import source_digests
from components.selection import Config as Selection
from components.tasks import kind_of
from components.text.suppression import Suppressed
from components.use_case import check_contract
from flows.own_model import Elsewhere, check_chat, check_template, origin, own_model

if TYPE_CHECKING:
    from flows.summary import Summary

PROFILES = Path(__file__).parent / "profiles"
USE_CASES = Path(__file__).parent / "use_cases"
Model = TypeVar("Model", bound=Frozen)
GPU_DEVICES = (Path("/dev/nvidia0"), Path("/dev/dxg"))
"""What NVIDIA's driver makes on Linux, and under WSL."""
SUMMARISED = {"exit", "stages", "until"}
"""What every summary has."""


@dataclass(frozen=True)
class Run:
    """A use case and a profile, resolved against this machine."""

    path: Path
    use_case: UseCase
    profile: Profile
    workspace: Workspace
    sources: dict[str, str]
    """Source name → SHA-256 of its file."""
    profile_path: str = "cpu"
    checkpoint: Elsewhere | None = None
    """The model trained elsewhere that it takes through the gates."""
    note: str = ""
    """What of the profile could not be had here."""
    dtype: str = ""
    """What models run in, and why."""

    @classmethod
    def read(
        cls, use_case: Path, profile: str, workspace: Workspace | None = None, checkpoint: Elsewhere | None = None
    ) -> "Run":
        """use_case: path of the YAML; profile: a name in `flows/profiles/`, or the path of a YAML.
        checkpoint: a model trained elsewhere, in place of the catalogue.

        Raises BadInput for files that are not acceptable.
        """
        use_case = use_case_path(use_case)
        contract = read_yaml(use_case, UseCase)
        check_contract(contract, str(use_case))
        settings = read_yaml(profile_path(profile), Profile)
        workspace = workspace or Workspace()
        if checkpoint:
            own = own_model(checkpoint.source, checkpoint.licence, language := contract.task.language)
            base = origin(checkpoint.made_from, language)
            check_chat(own, workspace)
            check_template(own, base, checkpoint.template, workspace)
            both = kind_of(contract.task.kind).languages(contract.task)
            own = own.model_copy(update={"trained_elsewhere": True, "made_from": base, "languages": both})
            chosen = {**contract.selection, "models": [own.name], "more": [own.model_dump(mode="json")]}
            contract = contract.model_copy(update={"selection": chosen})
            settings = settings.model_copy(update={"selection": {**settings.selection, "made": False}})
        settings, note = _on_this_machine(settings)
        contract, settings, dtype = _with_dtype(contract, settings, workspace)
        contract = _with_fixed_answers(contract, settings, workspace)
        sources = source_digests(contract.data, use_case.parent, workspace)
        return cls(use_case, contract, settings, workspace, sources, profile, checkpoint, note, dtype)

    def check_settings(self) -> None:
        """Raise BadInput naming every section of a stage that is not acceptable, and fetch the benchmarks of the hub that it
        names (MachineFault where that fails), before the first stage has cost any time.

        A stage's `Config` says what its section may hold; where the contract has a say in it, so does a function
        `check_settings(config, contract)` beside it.
        """
        wrong = []
        for word in ("data", "ladder", *STAGES):
            try:
                config = self._settings(word)
                if check := getattr(import_module(f"components.{word}.stage"), "check_settings", None):
                    check(config, self.use_case)
            except BadInput as error:
                wrong.append(str(error))
        if wrong:
            raise BadInput("\n".join(wrong))
        for run in (self, *self.together):
            run.hub_tasks()

    def hub_tasks(self) -> tuple[HubTask, ...]:
        """The tasks of the hub that evaluation asks, with their data fetched where it is not here yet."""
        from components.evaluation.hub import fetch_benchmarks

        asked = [name for name, count in self._settings("evaluation").benchmarks.items() if count]
        return tuple(task for tasks in fetch_benchmarks(asked, self.workspace).values() for task in tasks)

    def settings(self, word: str, kind: type[Model]) -> Model:
        """The settings of a stage; raises BadInput. kind: its Config"""
        return stage_config(kind, word, self.use_case, self.profile)

    def _settings(self, word: str) -> Any:
        return self.settings(word, import_module(f"components.{word}.stage").Config)

    @cached_property
    def key(self) -> str:
        """Names the run: contract, profile, sources, what was forgotten, pins, assets, code, machine, and the MLflow that it
        registers in."""
        assets = {name: asset.wheel for name, asset in ASSETS.items()}
        return digest_of([self.asked, assets, pins(), source_digest()])

    @property
    def asked(self) -> str:
        """Digest of all of that but code, pins and assets; of use cases that are tuned together, contracts and sources."""
        asked: list[object] = [self.use_case, self.profile, self.sources, self.suppressed]
        asked += [[other.use_case, other.sources] for other in self.together]
        return digest_of([*asked, self.machine, self.workspace.tracking_digest])

    @cached_property
    def together(self) -> "tuple[Run, ...]":
        """The use cases whose training rows tuning learns from too; raises BadInput where one does not fit this one."""
        if self.checkpoint or not {**self.profile.tuning, **self.use_case.tuning}.get("together"):
            return ()
        from components.tuning.stage import Config
        from flows.together import others

        return others(self, self.settings("tuning", Config).together)

    @property
    def id(self) -> str:
        return f"{self.use_case.name}-{self.profile.name}-{self.key[:8]}"

    @property
    def folder(self) -> Path:
        return self.workspace.runs / self.id

    def command(self, until: str | None) -> list[str]:
        """What to type behind `ninefold` to go on with this run."""
        use_case, own = str(self.path.absolute()), self.checkpoint
        words = ["register", own.source, "--use-case", use_case, "--licence", own.licence] if own else ["run", use_case]
        words += ["--made-from", own.made_from] if own and own.made_from else []
        words += ["--template", own.template] if own and own.template else []
        path = Path(self.profile_path)
        words += ["--profile", str(path.absolute()) if path.is_file() else self.profile_path]
        return words + (["--until", until] if until else [])

    def summary_file(self, until: str | None = None) -> Path:
        """Where its summary goes: that of a run which stopped after stage `until`, as asked, beside that of all of it."""
        return self.folder / (f"until-{until}.json" if until else "summary.json")

    @property
    def decided_with(self) -> str:
        """Digest of the contract and of what the profile sets for the stages: what a release is decided with."""
        return digest_of([self.use_case, self.profile_settings])

    @property
    def profile_settings(self) -> dict[str, object]:
        """What the profile sets for the stages."""
        return self.profile.model_dump(mode="json", include={"data", "ladder", *STAGES})

    @cached_property
    def machine(self) -> dict[str, float]:
        """What this machine has, rounded so that the same machine always gives the same figures."""
        return {"cores": float(os.cpu_count() or 1), "memory_gb": float(round(psutil.virtual_memory().total / 2**30))}

    @cached_property
    def suppressed(self) -> Suppressed:
        """What this workspace was asked to forget: no row or item that holds it is taken in."""
        return Suppressed.read(self.workspace.forgotten)

    @cached_property
    def gathered(self) -> str:
        """Where the real feedback stood when it was first asked for: what this run reads of it."""
        return FeedbackStore(self.workspace.feedback).mark(self.use_case.deployment.model_name)

    def finished(self) -> "Summary | None":
        """The summary of this very run when it is finished (exit 0 or 1), its card is there, no object of its stages was
        written since and is damaged, and nothing was said since; else None."""
        summary = read_summary(self.summary_file())
        if summary is None or summary["exit"] not in (0, 1) or (summary["card"] and not Path(summary["card"]).is_file()):
            return None
        stages = [*summary["stages"], *filter(None, [summary.get("data")])]
        if any(self.workspace.store.changed(stage["key"]) for stage in stages if stage["key"]):
            return None  # the flow finds out what, and makes it again
        # feedback that callers gave since is for the feedback stage: the run goes on from there
        return summary if summary.get("feedback") == self.gathered else None

    def past_seconds(self) -> dict[str, float]:
        """Stage → seconds when it last ran here for this use case and profile; without stages that were only reused."""
        folders = self.workspace.runs.glob(f"{self.use_case.name}-{self.profile.name}-*")
        paths = [path for folder in folders for path in summaries(folder)]
        seconds: dict[str, float] = {}
        for path in sorted(paths, key=os.path.getmtime):
            summary = read_summary(path)
            if summary and summary["exit"] in (0, 1):  # what failed may have ended in the middle of a stage
                seconds |= {stage["name"]: stage["seconds"] for stage in summary["stages"] if stage["status"] == "ran"}
        return seconds


def read_summary(path: Path) -> "Summary | None":
    """The summary in a file; None where there is none, and where it is damaged, by its own digest too: it is named and set
    aside then, since a run goes on from its seals and writes another."""
    if not path.is_file():
        return None
    try:
        summary: Summary = read_json(path)
        if not isinstance(summary, dict) or not summary.keys() >= SUMMARISED:
            raise Damaged(path, "it is no summary of a run")
    except Damaged as damaged:
        set_aside(path, damaged.reason, "the run goes on from its seals")
        return None
    return summary


def summaries(folder: Path) -> list[Path]:
    """The summaries in a run's folder: of all of it, and of each stage that it was asked to stop after."""
    return [*folder.glob("summary.json"), *folder.glob("until-*.json")]


def _on_this_machine(profile: Profile) -> tuple[Profile, str]:
    """A profile for a GPU computes on the CPU where there is none, so that its deployment is still written and checked."""
    if profile.machine.device == "cpu" or any(path.exists() for path in GPU_DEVICES):
        return profile, ""
    machine = profile.machine.model_copy(
        update={"device": "cpu", "threads": min(profile.machine.threads, os.cpu_count() or 1)}
    )
    note = (
        f"profile {profile.name}: no NVIDIA GPU here; it computes on the CPU, and its GPU deployment is written, not started"
    )
    return profile.model_copy(update={"machine": machine}), note


def _with_dtype(contract: UseCase, profile: Profile, workspace: Workspace) -> tuple[UseCase, Profile, str]:
    """Contract and profile with selection's dtype resolved, so that it is part of run's and steps' keys; and why it is that.

    Where either names one, that holds. Else: bfloat16 on a GPU, on a CPU what was measured in this workspace.
    """
    settings = {**profile.selection, **contract.selection}
    if (dtype := settings.get("dtype", "measured")) != "measured":
        owner = "the use case" if "dtype" in contract.selection else f"profile {profile.name}"
        return contract, profile, f"{dtype}: {owner} says so"
    if profile.machine.device == "cuda":
        dtype, why = "bfloat16", "a GPU"
    else:
        dtype, why = measured_once(workspace.rates).choice("two-layer" if settings.get("made") else "smollm2-135m")
    own = {name: value for name, value in contract.selection.items() if name != "dtype"}
    profile = profile.model_copy(update={"selection": {**profile.selection, "dtype": dtype}})
    return contract.model_copy(update={"selection": own}), profile, f"{dtype}: {why}"


def _with_fixed_answers(contract: UseCase, profile: Profile, workspace: Workspace) -> UseCase:
    """The contract with what the models behind endpoints answer to fixed questions, so that a model that was changed there
    is measured anew. Raises MachineFault where an endpoint that nothing is known of does not answer."""
    if not contract.policy.hosted_models or "endpoints" not in {**profile.selection, **contract.selection}:
        return contract
    from flows.endpoints import known_answers

    config = stage_config(Selection, "selection", contract, profile)
    asked = {model.name for model in config.asked} & set(config.endpoints)
    told = {name: known_answers(config.endpoints[name], name, workspace.root / "endpoints") for name in sorted(asked)}
    return contract.model_copy(update={"selection": {**contract.selection, "fixed_answers": told}})


def use_case_path(use_case: Path) -> Path:
    """`use_case`, or the shipped one of that name; raises BadInput with the names that there are."""
    path = USE_CASES / f"{use_case}.yaml"
    if use_case.is_file() or (len(use_case.parts) == 1 and path.is_file()):
        return use_case if use_case.is_file() else path
    names = ", ".join(sorted(item.stem for item in USE_CASES.glob("*.yaml")))
    raise BadInput(f"{use_case}: no such file. Give the path of a YAML file, or a shipped use case: {names}")


def profile_path(profile: str) -> Path:
    """The file of a profile; raises BadInput with the names that exist."""
    path = Path(profile) if profile.endswith((".yaml", ".yml")) else PROFILES / f"{profile}.yaml"
    if not path.is_file():
        names = ", ".join(sorted(item.stem for item in PROFILES.glob("*.yaml")))
        raise BadInput(f"--profile {profile}: no such profile; allowed: {names}, or the path of a YAML file")
    return path


def source_digest() -> str:
    """Digest of all project code by bytes: cheap, and strict. A changed comment re-enters the flow, where every step's own
    key, which ignores comments, finds its seal."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if (
                path.suffix in (".py", ".yaml", ".j2", ".json")
                and "use_cases" not in path.parts
                and "profiles" not in path.parts
            ):
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
