"""`summary.json`: what a run did and decided, for machines. Its JSON schema is `flows/summary.schema.json`."""

import json
import time
from typing import Any

from components.core import STAGES, Comparison, GateRefused, Release
from flows.steps import Steps

SCHEMA = "ninefold/summary/1"


def summarise(do: Steps, end: BaseException | None) -> dict[str, Any]:
    """The summary of a run that ended well (`end` None), by a gate, where it was asked to stop, or by an error."""
    released = do.result("deployment")
    release: Release | None = getattr(released, "release", None)
    evaluated = evaluation_of(do, release.candidate.digest if release else None)
    return {
        "schema": SCHEMA,
        "run_id": do.run.id,
        "use_case": do.run.use_case.name,
        "profile": do.run.profile.name,
        "seconds": round(time.monotonic() - do.started, 2),
        "exit": getattr(end, "exit_code", 3) if end else 0,
        "end": (str(end) or type(end).__name__) if end else "released",
        "until": do.until if end and not isinstance(end, GateRefused) else None,
        "feedback": do.run.gathered,
        "candidate": release.candidate.digest if release else None,
        "card": str(do.card) if do.card else None,
        "model": {"name": release.model_name, "version": release.version, "alias": release.alias} if release else None,
        "stages": [_stage(do, stage) for stage in STAGES],
        "data": _stage(do, "data"),
        "test": _test(evaluated, do.run.use_case.metrics.primary) if evaluated else None,
        "bias": getattr(evaluated, "bias", {}) and evaluated.model_dump(mode="json")["bias"] if evaluated else {},
        "not_measured": list(getattr(evaluated, "not_measured", ["test: the run ended before evaluation"])),
    }


def evaluation_of(do: Steps, candidate: str | None) -> Any:
    """The evaluation on test of the candidate with that digest (None: the last one), or None where there was none.

    What optimisation made may have been tested last and not have been released."""
    found = [done.result for done in do.done if done.function.endswith(".evaluate")]
    return next((result for result in reversed(found) if candidate in (None, getattr(result, "candidate", None))), None)


def results(do: Steps) -> dict[str, dict[str, Any]]:
    """Step name → its result, for the card."""
    return {done.name: done.result.model_dump(mode="json") for done in do.done if done.result}


def provenance(do: Steps) -> dict[str, Any]:
    """The dataset's provenance."""
    prepared: Any = do.result("data")
    found: dict[str, Any] = json.loads(do.run.workspace.store.file(prepared.dataset.provenance).read_text())
    return found


def _stage(do: Steps, stage: str) -> dict[str, Any]:
    steps = [done for done in do.done if done.stage == stage]
    if not steps:
        return {"name": stage, "key": None, "status": "skipped", "seconds": 0.0, "decision": _never(), "metrics": {}}
    main = next((done for done in reversed(steps) if done.result), steps[-1])
    decision = main.result.decision.model_dump(include={"verdict", "reason"}) if main.result else None
    figures = {name: value for done in steps if done.result for name, value in done.result.metrics.items()}
    if main.result and (compared := main.result.decision.comparison):
        figures |= {"before": compared.before, "after": compared.after}
    return {
        "name": stage,
        "key": main.key or None,
        "status": "ran" if any(done.status == "ran" for done in steps) else main.status,
        "seconds": round(sum(done.seconds for done in steps), 2),
        "decision": decision or {"verdict": "keep", "reason": main.reason},
        "metrics": figures,
    }


def _never() -> dict[str, str]:
    return {"verdict": "keep", "reason": "the run ended before this stage"}


def _test(evaluated: Any, primary: str) -> dict[str, Any]:
    metrics = {
        name: metric.model_dump(include={"value", "low", "high"}) for name, metric in evaluated.evidence.metrics.items()
    }
    gain = evaluated.gain
    return {
        "primary": primary,
        "metrics": metrics,
        "baselines": {name: evidence.metrics[primary].value for name, evidence in evaluated.references.items()},
        "gain": _gain(gain) if gain else None,
        "bounds": [one.model_dump(mode="json") for one in evaluated.bounds],
        "slices": {
            name: {value: one.model_dump(mode="json") for value, one in values.items()}
            for name, values in evaluated.slice_gains.items()
        },
    }


def _gain(gain: Comparison) -> dict[str, Any]:
    power = gain.power.model_dump() if gain.power else None
    figures = gain.gain.model_dump(include={"value", "low", "high"})
    return {"over": gain.over, **figures, "p_value": gain.p_value, "power": power}
