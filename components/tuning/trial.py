"""One training of a trial: trained, and measured on the rows of the search; done once (`Step.memo`).

Its seal in the store is what makes a search resumable: a killed one asks for the same trainings again and finds those that
ended, with the seconds that they took; the one that was killed goes on from its checkpoint.
"""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from components.core import Candidate, Dataset, Evidence, Frozen, Metrics, Split, Step, Task, part
from components.core.memory import give_back
from components.training import Diverged

from .judging import judged

if TYPE_CHECKING:
    from .stage import Config

CODE = ("components.tuning.trial",)
NO_MEMORY = ("allocate memory", "not enough memory", "out of memory")
"""What torch's RuntimeErrors say of memory that was not to be had."""


class Outcome(Frozen):
    """What a training came to."""

    verdict: str
    """finished, diverged, out of memory, no usable row"""
    reason: str = ""
    steps: int = 0
    trained: Candidate | None = None
    """What `train` gave: its abstention is not set."""
    evidence: Evidence | None = None
    """Of that, its abstention set, on the rows of the search."""
    objects: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    """What became of the rows, in order: a seal keeps no order of keys."""
    canaries: Split | None = None


class Timed(Frozen):
    """An outcome with what was measured of it. training: figures of `Trained.measured`"""

    outcome: Outcome
    seconds: float
    training: dict[str, object]


def outcome(
    config: "Config",
    number: int,
    rung: int,
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    dataset: Dataset,
    step: Step,
) -> Timed:
    """Train `candidate` as `config` says, measure it on the validation of `dataset`; a training that diverges or finds no
    memory is an outcome too. number, rung: of the trial, for its curve's name."""

    def make(inner: Step) -> Outcome:
        started = time.monotonic()
        with part(f"trial {number} rung {rung}"):
            found = _made(config, task, metrics, candidate, dataset, inner)
        inner.measured["seconds"] = round(time.monotonic() - started, 2)
        return found

    beside = replace(step, measured={})
    found = beside.memo("trial", Outcome, [config, task, metrics, candidate, dataset], make, code=CODE)
    (measured,) = beside.measured["trial"].values()
    return Timed(outcome=found, seconds=measured["seconds"], training=measured.get("training", {}))


def _made(config: "Config", task: Task, metrics: Metrics, candidate: Candidate, dataset: Dataset, step: Step) -> Outcome:
    from .supervised import train

    try:
        trained = train(config, task, candidate, dataset, False, step)
        if trained.candidate is None:
            return Outcome(verdict="no usable row", counts=tuple(trained.counts.items()), objects=trained.objects)
        _, evidence = judged(config, task, metrics, trained.candidate, dataset, step)
    except Diverged as error:
        return Outcome(verdict="diverged", reason=str(error), steps=error.step)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        return Outcome(verdict="out of memory", reason=reason)
    finally:
        give_back()
    step.measured["training"] = trained.measured
    losses = trained.measured["losses"]
    assert isinstance(losses, list), "a training has a loss a step"
    return Outcome(
        verdict="finished",
        steps=len(losses),
        trained=trained.candidate,
        evidence=evidence,
        objects=(*trained.objects, evidence.table),
        counts=tuple(trained.counts.items()),
        canaries=trained.canaries,
    )


def out_of_memory(error: BaseException) -> bool:
    """Whether memory was not to be had: Python's own error, or one of torch's, which has a type on a GPU only."""
    return isinstance(error, MemoryError) or any(said in str(error).lower() for said in NO_MEMORY)
