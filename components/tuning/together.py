"""One training on the rows of several use cases (multitask learning, Caruana 1997), beside the one on this use case's alone.

Both read this use case's rows `epochs` times, by the same technique, settings and seed; the one together reads the others'
rows as often besides, mixed at random, so that it takes more steps over one schedule of learning rates. What comes of it is
proposed only where validation of this use case shows a gain, paired, over the training on its rows alone.
Each row is shown with the short prompt of its own task. Where another use case has a knowledge base, its rows are shown with
BM25's best passage: what its own retrieval stage chose is not known here.
The training is sealed by itself (`Step.memo`) under its rows as token ids: another use case that is tuned together with the
same ones, and whose rows come out the same, finds it. With a knowledge base they come out the same only under BM25's best
passage. Not covered: weights for use cases of unequal size; rows of the others that nobody collected; heads of labels.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from components.core import (
    Adapter,
    Candidate,
    Checkpoint,
    Dataset,
    Evidence,
    Frozen,
    Metrics,
    Retriever,
    Share,
    Step,
    Task,
    Together,
    digest_of,
    part,
)
from components.core.artifacts import opened
from components.measure import compare
from components.tasks import kept
from components.training import Diverged, Joined, Taught, tuned
from components.training.objectives import objective

from .again import Again
from .judging import diverged, judged

if TYPE_CHECKING:
    from components.training.examples import Example

    from .stage import Config
    from .supervised import Rows, Supervised

CODE = ("components.tuning.together",)


class Weights(Frozen):
    """What was trained, without what asks it: the same for every use case that took part."""

    model: Checkpoint
    adapter: Adapter | None


class Mixed(NamedTuple):
    """The rows of all use cases in one order: `practice` once, then `rows`, the canaries last."""

    practice: "list[Example]"
    rows: "list[Example]"
    own: "Rows"
    taught: tuple[Taught, ...]


def with_others(
    config: "Config",
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    began: Candidate | None,
    proposed: Candidate,
    before: Evidence,
    dataset: Dataset,
    together: Together,
    with_made: bool,
    step: Step,
) -> Again:
    """Train `candidate` once more, on the rows of all use cases of `together`.

    began: the candidate after pre-training. proposed: what its own rows alone taught; `before` is its evidence. with_made:
    with this use case's made rows, which helped
    """
    mixed = _mixed(config, candidate, together, with_made, step)
    examples = ", ".join(f"{one.use_case} {one.examples:,}" for one in mixed.taught)
    what = f"together with {', '.join(one.use_case for one in together.others)} (training examples: {examples})"
    try:
        trained = _trained(config, candidate, began or candidate, together, mixed, step)
    except Diverged as error:
        decision = diverged(error, "learning_rate")
        told = Joined(use_case=together.own.use_case, taught=mixed.taught, decision=decision)
        return Again(f"{what}: {decision.reason}", (), proposed, before, None, told)
    assert trained.candidate is not None, "its own rows were usable alone"
    step.measured["training together"] = trained.measured
    rival, after = judged(config, task, metrics, trained.candidate, dataset, step)
    decision = compare(before, after, metrics, step.store, over="the same training on this use case's rows alone")
    made = _object(trained.candidate)
    told = Joined(use_case=together.own.use_case, taught=mixed.taught, object=made, decision=decision)
    note, objects = f"{what}: {decision.verdict}: {decision.reason}", (*trained.objects, after.table)
    if not decision.adopted:
        return Again(note, objects, proposed, before, None, told)
    return Again(note, objects, rival, after, trained, told)


def _mixed(config: "Config", candidate: Candidate, together: Together, with_made: bool, step: Step) -> Mixed:
    from .supervised import training_rows

    practice: list[Example] = []
    rows: list[Example] = []
    planted: list[Example] = []
    taught, own = [], None
    for share in together.every:
        ours = share == together.own
        inner = replace(step, scratch=step.scratch / "together" / share.use_case)
        asked = candidate if ours else _asking(candidate, share)
        given = training_rows(config, share.task, asked, share.dataset, with_made and ours, inner)
        last = len(given.rows) - len(given.planted) if given.rows else 0
        practice += given.practice
        rows += given.rows[:last]
        planted += given.rows[last:]
        own = given if ours else own
        removed = sum(share.removed.values())
        taught.append(
            Taught(
                use_case=share.use_case, kind=share.task.kind, examples=last, sources=share.sources, removed=removed
            )
        )  # fmt: skip
    assert own is not None, "it is one of them"
    # two use cases that answer questions plant the same secrets: each is shown once
    return Mixed(practice, [*rows, *dict.fromkeys(planted)], own, tuple(taught))


def _asking(candidate: Candidate, share: Share) -> Candidate:
    """The model of `candidate` as it would be asked in another use case."""
    task, knowledge = share.task, share.dataset.training_knowledge
    return Candidate(
        task=task.kind,
        labels=task.labels,
        abstain=task.abstain,
        own=kept(task),
        runtime=candidate.runtime,
        model=candidate.model,
        retriever=Retriever(scoring="bm25", knowledge=knowledge.object) if knowledge else None,
    )


def _trained(
    config: "Config", candidate: Candidate, first: Candidate, together: Together, mixed: Mixed, step: Step
) -> "Supervised":
    """first: the candidate that the training starts from."""
    from .supervised import Supervised, stored_canaries

    assert first.model is not None, "tune checks it"
    base, sft, recipe = opened(step.store, first.model.object), objective("sft"), config.recipe(candidate.runtime)
    start = opened(step.store, first.adapter.object, "adapter") if first.adapter else None

    def make(inner: Step) -> Weights:
        with part("together"):
            trained = sft.train(
                recipe, sft.Settings(), base, mixed.rows, inner.scratch, inner.machine, start=start, practice=mixed.practice
            )
        inner.measured.update(trained.measured)
        found = tuned(first, recipe, "sft", trained, inner.store)
        assert found.model is not None, "training keeps the model, or changes it"
        return Weights(model=found.model, adapter=found.adapter)

    ids = digest_of([[[row.ids, row.start] for row in rows] for rows in (mixed.practice, mixed.rows)])
    beside = replace(step, measured={})
    inputs = [recipe, first.model, first.adapter, together.every, ids]
    weights = beside.memo("together", Weights, inputs, make, code=CODE)
    (measured,) = beside.measured["together"].values()
    changes = {"model": weights.model, "adapter": weights.adapter, "prompt": mixed.own.prompt}
    proposed = candidate.model_copy(update=changes)
    others = sum(one.examples for one in mixed.taught if one.use_case != together.own.use_case)
    counts = {**mixed.own.counts, "of other use cases": others}
    canaries = stored_canaries(mixed.own.planted, step)
    objects = (*mixed.own.objects, _object(proposed), *((canaries.object,) if canaries else ()))
    return Supervised(proposed, objects, counts, measured, canaries)


def _object(candidate: Candidate) -> str:
    """What was trained."""
    assert candidate.model is not None, "tune checks it"
    return candidate.adapter.object if candidate.adapter else candidate.model.object
