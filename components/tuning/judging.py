"""A Candidate on validation: its abstention set where its answers are quotes, what it reaches; trainings that diverged."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.application import Answer, answering
from components.core import Candidate, Dataset, Decision, Evidence, Metrics, Quoted, Step, Task
from components.measure import abstain_below, abstains, calibration, examples, measure
from components.training import Diverged

if TYPE_CHECKING:
    from .stage import Config

NEVER = -1e6
"""A bias with which no abstention wins."""


def judged(
    config: "Config", task: Task, metrics: Metrics, proposed: Candidate, dataset: Dataset, step: Step
) -> tuple[Candidate, Evidence]:
    """`proposed`, with its abstention set where its answers are quotes, and its evidence on validation."""
    known: list[Answer] = []
    if abstention_is_set(proposed, task):
        proposed, known = calibrated(config, task, metrics, proposed, dataset, step)
    return proposed, evidence_of(config, task, proposed, dataset, step, known)


def abstention_is_set(candidate: Candidate, task: Task) -> bool:
    """Whether its abstention is set on validation: its answers are quotes of what it is shown."""
    return bool(candidate.quoted and candidate.texts_shown and task.abstain)


def calibrated(
    config: "Config", task: Task, metrics: Metrics, candidate: Candidate, dataset: Dataset, step: Step
) -> tuple[Candidate, list[Answer]]:
    """`candidate` with the bias of its abstention set on validation, and its answers there: the primary metric is highest
    where every floor holds. The same rows say how its margin becomes the probability that there is no answer.

    A quote and the margin of the abstention over it do not depend on the bias, so one pass gives the answers at every bias.
    """
    never = candidate.model_copy(update={"quoted": Quoted(abstain_bias=NEVER)})
    split = dataset.splits["validation"]
    with answering(never, step.store, step.machine) as answer:
        evidence = measure(never, answer, split, task, step, config.calibration_rows)
    table = examples(evidence, step.store)
    bias = abstain_below(task, metrics, table, [-(row["margin"] or 0.0) for row in table], config.floor_confidence)
    bias = NEVER if bias is None else round(bias, 6)
    answers = [Answer.of(row) for row in table]
    silent = {answer.id for answer in answers if answer.margin is not None and answer.margin + bias > 0}
    known = [answer.model_copy(update={"text": task.abstain}) if answer.id in silent else answer for answer in answers]
    compared = [(row["margin"], abstains(task.abstain, row["reference"])) for row in table if row["margin"] is not None]
    fitted = calibration([margin for margin, _ in compared], [silent for _, silent in compared])
    return candidate.model_copy(update={"quoted": Quoted(abstain_bias=bias, calibration=fitted)}), known


def evidence_of(
    config: "Config", task: Task, candidate: Candidate, dataset: Dataset, step: Step, known: Sequence[Answer] = ()
) -> Evidence:
    """Evidence of `candidate` on the rows of validation that decide. known: answers that need not be asked for."""
    with answering(candidate, step.store, step.machine, known) as answer:
        return measure(candidate, answer, dataset.splits["validation"], task, step, config.validation_rows)


def diverged(error: Diverged, key: str) -> Decision:
    """What a training that diverged proposes: nothing. key: of this section, the learning rate."""
    return Decision(verdict="keep", reason=f"the training {error}. Set a lower tuning.{key}")
