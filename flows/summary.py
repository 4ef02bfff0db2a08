"""`summary.json`: what a run did and decided, for machines. Its JSON schema is `flows/summary.schema.json`."""

import json
import time
from typing import NotRequired, TypedDict, cast

from prefect.exceptions import TerminationSignal

from components.core import STAGES, Comparison, Decision, GateRefused, Metric, Release
from components.data import Prepared
from components.evaluation import Evaluated
from components.ladder import Rung, RungRow, rows
from components.measure.left_out import LeftOutRow, left_out_rows
from components.prompting import Searched
from components.training import JoinedRow, PretrainedRow, TrialRow, joined_rows, pretrained_rows, trial_rows
from flows.steps import Steps

SCHEMA = "ninefold/summary/1"


class Figure(TypedDict):
    """A metric with its interval."""

    value: float
    low: float | None
    high: float | None


class Gain(Figure):
    """The gain on test; over: what it is compared with; power: a dump of Power."""

    over: str
    p_value: float | None
    power: dict[str, object] | None


class TestSummary(TypedDict):
    """What the test said; bounds: dumps of Bound; slices: slice → value → dump of SliceGain."""

    primary: str
    metrics: dict[str, Figure]
    baselines: dict[str, float]
    gain: Gain | None
    bounds: list[dict[str, object]]
    slices: dict[str, dict[str, dict[str, object]]]


class StageDecision(TypedDict):
    """What a stage decided, and why."""

    verdict: str
    reason: str


class StageSummary(TypedDict):
    """What a stage did."""

    name: str
    key: str | None
    status: str
    seconds: float
    decision: StageDecision
    metrics: dict[str, float]


class RegisteredModel(TypedDict):
    """The version that a run registered."""

    name: str
    version: int
    alias: str | None


class Image(TypedDict):
    """The image that a run built. run: the command that runs it."""

    tag: str
    run: str


class Summary(TypedDict):
    """`summary.json`: `flows/summary.schema.json` says what each key means."""

    schema: str
    run_id: str
    use_case: str
    profile: str
    seconds: float
    exit: int
    end: str
    until: str | None
    feedback: str
    candidate: str | None
    card: str | None
    model: RegisteredModel | None
    image: NotRequired[Image | None]
    stages: list[StageSummary]
    data: StageSummary
    ladder: list[RungRow]
    trials: NotRequired[list[TrialRow]]
    left_out: NotRequired[list[LeftOutRow]]
    searches: NotRequired[list[dict[str, object]]]
    pretraining: NotRequired[list[PretrainedRow]]
    together: NotRequired[list[JoinedRow]]
    test: TestSummary | None
    bias: dict[str, object]
    not_measured: list[str]
    peak_memory_gb: NotRequired[float]


def summarise(do: Steps, end: BaseException | None) -> Summary:
    """The summary of a run that ended well (`end` None), by a gate, where it was asked to stop, or by an error."""
    released = do.result("deployment")
    release: Release | None = getattr(released, "release", None)
    evaluated = evaluation_of(do, release.candidate.digest if release else None)
    found, measured = results(do), {done.name: done.measured for done in do.done}
    return {
        "schema": SCHEMA,
        "run_id": do.run.id,
        "use_case": do.run.use_case.name,
        "profile": do.run.profile.name,
        "seconds": round(time.monotonic() - do.started, 2),
        "exit": _exit(end),
        "end": (str(end) or type(end).__name__) if end else "released",
        "until": do.until if end and not isinstance(end, GateRefused) else None,
        "feedback": do.run.gathered,
        "candidate": release.candidate.digest if release else None,
        "card": str(do.card) if do.card else None,
        "model": {"name": release.model_name, "version": release.version, "alias": release.alias} if release else None,
        "image": _image(release) if release else None,
        "stages": [_stage(do, stage) for stage in STAGES],
        "data": _stage(do, "data"),
        "ladder": ladder(do),
        "trials": trial_rows(found, measured),
        "left_out": left_out_rows(found),
        "searches": search_rows(found),
        "pretraining": pretrained_rows(found, measured),
        "together": joined_rows(found),
        "test": _test(evaluated, do.run.use_case.metrics.primary) if evaluated else None,
        "bias": evaluated.model_dump(mode="json")["bias"] if evaluated else {},
        "not_measured": list(evaluated.not_measured) if evaluated else ["test: the run ended before evaluation"],
    }


def search_rows(found: dict[str, dict[str, object]]) -> list[dict[str, object]]:
    """What each search of prompting proposed, in order. found: step → dump of its result"""
    return [
        one.model_dump(mode="json")
        | {"step": step, "decision": _compared(one.decision), "over_random": _compared(one.over_random)}
        for step, dump in found.items()
        for one in map(Searched.model_validate, cast(list[object], dump.get("searched", [])))
    ]


def _compared(decision: Decision | None) -> dict[str, object] | None:
    if decision is None:
        return None
    gain = decision.comparison.gain.model_dump() if decision.comparison else None
    return {"verdict": decision.verdict, "reason": decision.reason, "gain": gain}


def _image(release: Release) -> Image | None:
    built = next((row for row in release.deployments if row.get("run")), None)
    return {"tag": str(built["image"]), "run": str(built["run"])} if built else None


def _exit(end: BaseException | None) -> int:
    """The exit code of a run that ended so. SIGTERM comes as Prefect's TerminationSignal, which has the signal's number."""
    if isinstance(end, TerminationSignal):
        return 128 + end.signal
    return getattr(end, "exit_code", 3) if end else 0


def evaluation_of(do: Steps, candidate: str | None) -> Evaluated | None:
    """The evaluation on test of the candidate with that digest (None: the last one), or None where there was none.

    What optimisation made may have been tested last and not have been released."""
    tested = [done.result for done in do.done if isinstance(done.result, Evaluated)]
    return next((result for result in reversed(tested) if candidate in (None, result.candidate)), None)


def results(do: Steps) -> dict[str, dict[str, object]]:
    """Step name → its result, for the card."""
    return {done.name: done.result.model_dump(mode="json") for done in do.done if done.result}


def ladder(do: Steps) -> list[RungRow]:
    """The rungs of this run."""
    measured = {done.name: done.measured for done in do.done}
    return rows(results(do), measured, do.unclimbed, do.run.use_case.metrics.primary)


def provenance(do: Steps) -> dict[str, object]:
    """The dataset's provenance."""
    prepared = do.result("data")
    assert isinstance(prepared, Prepared), "a card is written of a run that has prepared its data"
    content: dict[str, object] = json.loads(do.run.workspace.store.file(prepared.dataset.provenance).read_text())
    return content


def _stage(do: Steps, stage: str) -> StageSummary:
    steps = [done for done in do.done if done.stage == stage]
    if not steps:
        return {"name": stage, "key": None, "status": "skipped", "seconds": 0.0, "decision": _never(), "metrics": {}}
    own = [done for done in steps if not isinstance(done.result, Rung)]
    main = next((done for done in reversed(own) if done.result), own[-1])
    alike = [done for done in own if done.result and done.function == main.function]
    main = next((done for done in reversed(alike) if done.result and done.result.decision.adopted), main)
    figures = {name: value for done in own if done.result for name, value in done.result.metrics.items()}
    if main.result and (compared := main.result.decision.comparison):
        figures |= {"before": compared.before, "after": compared.after}
    decided = main.result.decision if main.result else None
    return {
        "name": stage,
        "key": main.key or None,
        "status": "ran" if any(done.status == "ran" for done in steps) else main.status,
        "seconds": round(sum(done.seconds for done in steps), 2),
        "decision": {
            "verdict": decided.verdict if decided else "keep",
            "reason": decided.reason if decided else main.reason,
        },
        "metrics": figures,
    }


def _never() -> StageDecision:
    return {"verdict": "keep", "reason": "the run ended before this stage"}


def _test(evaluated: Evaluated, primary: str) -> TestSummary:
    gain = evaluated.gain
    return {
        "primary": primary,
        "metrics": {name: _figure(metric) for name, metric in evaluated.evidence.metrics.items()},
        "baselines": {name: evidence.metrics[primary].value for name, evidence in evaluated.references.items()},
        "gain": _gain(gain) if gain else None,
        "bounds": [one.model_dump(mode="json") for one in evaluated.bounds],
        "slices": {
            name: {value: one.model_dump(mode="json") for value, one in values.items()}
            for name, values in evaluated.slice_gains.items()
        },
    }


def _figure(metric: Metric) -> Figure:
    return {"value": metric.value, "low": metric.low, "high": metric.high}


def _gain(gain: Comparison) -> Gain:
    power = gain.power.model_dump() if gain.power else None
    return {"over": gain.over, **_figure(gain.gain), "p_value": gain.p_value, "power": power}
