"""What the stage returns, and whether what was trained takes the place of the candidate at hand."""

from typing import TYPE_CHECKING

from pydantic import Field

from components.core import Candidate, Dataset, Decision, Evidence, Metrics, Split, StageResult, Step, Task
from components.measure import compare, missed_floors
from components.training import Joined, Pretrained, Trial

from .folds import Refit, settle, would_decide
from .judging import evidence_of
from .pseudo import Labelled

if TYPE_CHECKING:
    from .stage import Config


class Tuned(StageResult):
    """candidate: the adopted one, or the one at hand. evidence: of the tuned one, adopted or not (None: nothing trained)."""

    candidate: Candidate
    proposed: Candidate | None = None
    evidence: Evidence | None = None
    made: Decision | None = None
    """Whether made rows helped; None where there are none."""
    pseudo: Labelled | None = Field(None, exclude_if=lambda told: told is None)
    """The texts that the tuned candidate labelled; None where it was to label none."""
    together: Joined | None = Field(None, exclude_if=lambda told: told is None)
    """Whose rows it learned from beside its own, and whether that helped; None where it was to learn from no others'."""
    canaries: Split | None = None
    """The planted rows that `proposed` was trained on; they are no made rows, and need no gain to be kept."""
    trials: tuple[Trial, ...] = ()
    """Of the search, where there was one."""
    picked: int | None = None
    """The number of the trial that was proposed."""
    pretraining: Pretrained | None = Field(None, exclude_if=lambda told: told is None)
    """What the documents changed, before the rows came; None where there were none."""


def decide(
    config: "Config",
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    proposed: Candidate,
    after: Evidence,
    dataset: Dataset,
    objects: tuple[str, ...],
    notes: tuple[str, ...],
    step: Step,
    refit: Refit | None = None,
) -> Tuned:
    """`proposed`, whose evidence is `after`, in place of `candidate` where validation says so, or the folds of the training
    rows, where `refit` says how it can be trained again."""
    before, over = evidence_of(config, task, candidate, dataset, step), "the candidate at hand"
    if config.folds and refit:
        decision, note, more = settle(config, task, metrics, candidate, before, after, dataset, refit, over, step)
        objects, notes = (*objects, *more), (*notes, note) if note else notes
    else:
        decision = compare(before, after, metrics, step.store, over=over)
        open_still = decision.verdict == "not enough evidence"
        if refit and open_still and (rows := would_decide(config, task, candidate, refit, dataset, step)):
            notes = (*notes, f"tuning.folds (4, say) would let {rows} training rows decide beside validation")
    decision = _mending(decision, missed_floors(before, metrics), missed_floors(after, metrics))
    return Tuned(
        decision=decision,
        metrics={name: after.metrics[name].value for name in (metrics.primary, *metrics.floors) if name in after.metrics},
        objects=(*objects, before.table),
        notes=notes,
        candidate=proposed if decision.adopted else candidate,
        proposed=proposed,
        evidence=after,
    )


def _mending(decision: Decision, missed: list[str], still_missed: list[str]) -> Decision:
    """Adopt what mends every broken floor without losing on the primary metric: what it replaces could not be released."""
    mends = missed and not still_missed and decision.comparison is not None and decision.comparison.gain.value >= 0
    if decision.adopted or not mends:
        return decision
    reason = f"{decision.reason}; adopted since it reaches {', '.join(missed)}, which the candidate at hand misses"
    return decision.model_copy(update={"verdict": "adopt", "reason": reason})
