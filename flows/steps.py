"""What a step does: find its seal, or run and seal; then show itself to Prefect and MLflow.

The key of a step is the digest of its function's name, the code it can reach, the pinned versions, its config and inputs.
A Path among the inputs is a place, not content: it is not part of the key, the digests of what lies there are.
"""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar, get_type_hints

import psutil
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from components.core import (
    STAGES,
    Candidate,
    Dataset,
    Evidence,
    Frozen,
    NinefoldError,
    Seal,
    StageResult,
    Step,
    code_digest,
    digest_of,
    report,
    short,
    stage_config,
)
from components.core.code import pins, words_of
from components.core.inputs import Input, inputs_in
from components.core.store import inputs_of
from components.core.together import STAGE as TOGETHER
from components.core.tracking import Tracking
from components.data import Prepared
from components.ladder import NotClimbed
from components.prompting import Prompted
from flows.again import why_again
from flows.run import Run

logger = logging.getLogger(__name__)
Result = TypeVar("Result", bound=StageResult)
ResultOrNone = TypeVar("ResultOrNone", bound=StageResult | None, covariant=True)


class NotSealed(NinefoldError):
    """`plan` came to a step that has to run."""

    def __init__(self, stage: str, why: str) -> None:
        super().__init__(f"{stage}: {why}")
        self.stage, self.why = stage, why


class Stopped(NinefoldError):
    """The stage named by `until` is done."""

    exit_code = 0


@dataclass(frozen=True)
class Call:
    """A step that is asked for: what its key covers."""

    stage: str
    name: str
    key: str
    config: Frozen
    inputs: Mapping[str, object]
    asked: dict[str, object]
    """Digests of code and pins, and the settings, as its seal keeps them."""
    label: str
    """What people call the step."""
    page: str
    """What its page in Prefect is called: its stage's, or its own where the flow calls it otherwise."""


@dataclass
class Done(Generic[ResultOrNone]):
    """One step of this run, as the summary shows it; one that was skipped has no result."""

    stage: str
    function: str
    key: str
    status: str
    """ran, reused or skipped"""
    seconds: float
    result: ResultOrNone
    measured: dict[str, object]
    reason: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    """The stage's Config."""
    called: str = ""

    @property
    def name(self) -> str:
        """What the flow calls it, else the stage's word, or `stage.function` for the second step of a stage."""
        return self.called or _label(self.stage, self.function)


@dataclass
class Steps:
    """Runs the steps of one run; `done` collects what happened."""

    run: Run
    tracking: Tracking | None = None
    parent: str = ""
    """MLflow run that the stages' runs are nested in."""
    until: str | None = None
    done: list[Done[StageResult | None]] = field(default_factory=list)
    estimates: dict[str, float] = field(default_factory=dict)
    """Rung of the ladder → about how many seconds it takes here."""
    unclimbed: dict[str, NotClimbed] = field(default_factory=dict)
    """Rungs of the ladder that were not climbed."""
    card: Path | None = None
    started: float = field(default_factory=time.monotonic)

    def __call__(self, stage: str, function: Callable[..., Result], *, called: str = "", **inputs: object) -> Result:
        """Do `function` for `stage` on `inputs`, or take its sealed result.

        called: name of the step for people, where a stage does the same function several times
        """
        self._enter(stage)
        config: Frozen = stage_config(
            sys.modules[function.__module__].Config, _word(function), self.run.use_case, self.run.profile
        )
        name = f"{function.__module__.rsplit('.', 1)[0]}.{function.__name__}"
        keyed = {given: value for given, value in inputs.items() if not isinstance(value, Path)}
        code = code_digest(function.__module__, words=words_of(config, keyed))
        key = digest_of([name, code, pins(), config, keyed])
        asked: dict[str, object] = {"code": code, "pins": pins(), "settings": config.model_dump(mode="json")}
        call = Call(stage, name, key, config, inputs, asked, called or _label(stage, name), called or stage)
        seal = self.run.workspace.store.sealed(key)
        if seal:
            result = _result_type(function).model_validate(seal.result)
            done = Done(stage, name, key, "reused", 0.0, result, seal.measured)
            self._as_task(lambda: done, call)
        else:
            done = self._execute(function, call, why_again(self.run.workspace.store, name, asked, inputs_of(keyed), key))
        done.settings, done.called = config.model_dump(mode="json"), called
        self.done.append(done)
        self._show(done)
        return done.result

    def skip(self, *stages: str, reason: str) -> None:
        """Record that `stages` need not run."""
        for stage in stages:
            self._enter(stage)
            self.done.append(Done(stage, "", "", "skipped", 0.0, None, {}, reason))

    def result(self, stage: str) -> StageResult | None:
        """The last result of a stage in this run."""
        return next((done.result for done in reversed(self.done) if done.stage == stage), None)

    def _files(self, result: StageResult) -> dict[str, Path]:
        """What MLflow shows beside the figures: per-example evidence, and Great Expectations' Data Docs."""
        store, files = self.run.workspace.store, {}
        if evidence := getattr(result, "evidence", None):
            files["evidence"] = store.file(evidence.table)
        if docs := getattr(result, "docs", None):
            files["data_docs"] = store.path(docs)
        return files

    def _inputs(self, done: Done[StageResult]) -> list[Input]:
        """Splits that MLflow shows a step with: of the data all that it made; else what was trained on, and what the figures
        are of."""
        prepared = self.result("data")
        if not isinstance(prepared, Prepared):
            return []
        every = inputs_in(prepared.dataset, self.run.use_case.name, self.run.workspace.store)
        evidence: Evidence | None = getattr(done.result, "evidence", None)
        used = {evidence.split_object} if evidence else set()
        if done.function.endswith(".tune"):
            used.add(prepared.dataset.splits["train"].object)
        return [one for one in every if done.stage == "data" or one.split.object in used]

    def _enter(self, stage: str) -> None:
        if self.until and self.done and self.done[-1].stage == self.until != stage:
            raise Stopped(f"stopped after {self.until}, as asked")
        number = STAGES.index(stage) + 1 if stage in STAGES else 0
        report(f"stage:{stage}", number, len(STAGES))

    def _execute(self, function: Callable[..., Result], call: Call, why: str) -> Done[Result]:
        workspace, key = self.run.workspace, call.key
        logger.info("%s runs: %s", call.stage, why)

        def execute() -> Done[Result]:
            step = Step(key, workspace.store.scratch(key), workspace, self.run.profile.machine)
            started, used = time.monotonic(), _processor_seconds()
            with self.tracking.training(self.parent, call.label, key) if self.tracking else nullcontext():
                result = function(call.config, **call.inputs, step=step)
            step.measured["seconds"] = round(time.monotonic() - started, 2)
            step.measured["processor_seconds"] = round(_processor_seconds() - used, 2)
            given = inputs_of({"config": call.config, **call.inputs})
            dump = result.model_dump(mode="json")
            seal = Seal(
                key=key, name=call.name, result=dump, measured=step.measured, inputs=given,
                read=tuple(sorted(step.read)), asked=call.asked,
            )  # fmt: skip
            workspace.store.seal(seal)
            logger.info("%s: %s: %s", call.stage, result.decision.verdict, result.decision.reason)
            return Done(call.stage, call.name, key, "ran", step.measured["seconds"], result, step.measured)

        return self._as_task(execute, call)

    def _as_task(self, work: Callable[[], Done[Result]], call: Call) -> Done[Result]:
        """Do `work` as a Prefect task with an artifact; so does a reused step, whose page is then as whole as the first."""

        def shown() -> Done[Result]:
            done = work()
            create_markdown_artifact(
                key=f"{self.run.use_case.name}-{call.page}".replace("_", "-").replace(".", "-"),
                markdown=_artifact(done, call),
                description=done.result.decision.reason,
            )
            return done

        # results stay in our store, never in Prefect's
        return task(name=call.stage, task_run_name=call.name, persist_result=False, cache_policy=NO_CACHE)(shown)()

    def _show(self, done: Done[StageResult]) -> None:
        """Project a step to MLflow: a nested run that is found again by its key, and its prompts."""
        if self.tracking is None:
            return
        # not the model's own name: MLflow keeps prompts and models in one name space
        name = f"{self.run.use_case.name}_prompt"
        if isinstance(done.result, Prompted):
            self.tracking.prompt(name, done.result.proposed, alias="winner")
        candidate = getattr(done.result, "candidate", None)
        if done.stage in ("prompting", "tuning") and isinstance(candidate, Candidate) and candidate.prompt:
            self.tracking.prompt(name, candidate.prompt, alias="candidate")
        if done.stage == "data":
            self.tracking.used(self.parent, self._inputs(done))
        self.tracking.stage(
            self.parent,
            done.name,
            done.key,
            stage=done.called.partition(".")[0] or done.stage,
            inputs=self._inputs(done),
            params=done.settings,
            metrics=done.result.metrics,
            decision=done.result.decision,
            notes=done.result.notes,
            measured=done.measured,
            files=self._files(done.result),
            result=done.result,
        )


class Planner(Steps):
    """Walks the same page and stops at the first step that is not sealed."""

    def _execute(self, function: Callable[..., Result], call: Call, why: str) -> Done[Result]:
        raise NotSealed(call.stage, why)

    def _as_task(self, work: Callable[[], Done[Result]], call: Call) -> Done[Result]:
        """A plan starts nothing …"""
        return work()

    def _show(self, done: Done[StageResult]) -> None:
        """… and leaves no trace."""


class Reached(Exception):
    """The step that was looked for, as the page asks for it."""

    def __init__(self, inputs: Mapping[str, object]) -> None:
        super().__init__()
        self.inputs = inputs


@dataclass
class UpTo(Planner):
    """Walks the same page, does the steps of data where they are not sealed, and raises Reached where the page comes to
    `stage`."""

    stage: str = ""

    def __call__(self, stage: str, function: Callable[..., Result], *, called: str = "", **inputs: object) -> Result:
        if stage == self.stage:
            raise Reached(inputs)
        return super().__call__(stage, function, called=called, **inputs)

    def dataset(self) -> Dataset:
        """What the data step prepared."""
        prepared = self.result("data")
        assert isinstance(prepared, Prepared), "the page begins with it"
        return prepared.dataset

    def _execute(self, function: Callable[..., Result], call: Call, why: str) -> Done[Result]:
        if call.stage not in ("data", TOGETHER):
            raise NotSealed(call.stage, why)
        with self.run.workspace.lock():
            return Steps._execute(self, function, call, why)


def _label(stage: str, function: str) -> str:
    first = {"feedback": "collect", "evaluation": "evaluate", "optimization": "optimize"}.get(stage)
    verb = function.rpartition(".")[2]
    return stage if first in (None, verb) or not verb else f"{stage}.{verb}"


def _processor_seconds() -> float:
    """Of this process and of its children that have ended: what the card's estimate of energy starts from."""
    return sum(psutil.Process().cpu_times()[:4])


def _word(function: Callable[..., object]) -> str:
    """The component that a stage's function belongs to: whose Config section it reads."""
    return function.__module__.split(".")[1]


def _result_type(function: Callable[..., Result]) -> type[Result]:
    kind: type[Result] = get_type_hints(function)["return"]
    return kind


def _named(value: object) -> str:
    """An input in few words: a candidate by its label, a path as it is, the rest by digest."""
    if isinstance(value, Candidate):
        return value.label
    return f"`{value}`" if isinstance(value, (Path, str)) else f"`{short(digest_of(value))}`"


def _artifact(done: Done[StageResult], call: Call) -> str:
    """What went in and what was decided, as Markdown."""
    result = done.result
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in result.metrics.items())
    settings = "\n".join(f"| {name} | {value} |" for name, value in call.config.model_dump(mode="json").items())
    given = "\n".join(f"| {name} | {_named(value)} |" for name, value in call.inputs.items())
    decision = result.decision
    candidate = getattr(result, "candidate", None)
    return "\n".join(
        [
            f"## {call.page}: {decision.verdict}",
            "",
            decision.reason,
            "",
            *([f"Candidate: `{candidate.label}`", ""] if isinstance(candidate, Candidate) else []),
            "| figure | value |\n| --- | --- |\n" + rows if rows else "",
            "",
            "| went in | |\n| --- | --- |\n" + given,
            "",
            "| setting | value |\n| --- | --- |\n" + settings if settings else "",
            "",
            *[f"- {note}" for note in result.notes],
            "",
            f"Step `{done.key[:12]}`, " + ("reused" if done.status == "reused" else f"{done.seconds} s"),
        ]
    )
