"""The feedback stage: what was said about answers becomes preference pairs.

A simulated rater answers for the people who are not there yet: it rates the Candidate's answers on the feedback split, and
its items go through the same durable store, consent check and privacy scrub as those that the endpoint collects. The flow
hands the pairs to `tuning`. Not covered: labelling tools, agreement between raters.
"""

from typing import Any

from pydantic import Field

from components.application import answering
from components.core import (
    Candidate,
    Dataset,
    Decision,
    Feedback,
    FeedbackStore,
    Frozen,
    Policy,
    Split,
    StageResult,
    Step,
    Task,
    read_jsonl,
    read_passages,
    write_jsonl,
)
from components.measure import examples, measure, normalise
from components.measure.leaks import Item, Leaks
from components.tasks import kind_of

from .pairs import pairs_from
from .rater import rate


class Config(Frozen):
    """Settings of the feedback stage."""

    rows: int | None = Field(None, ge=1)
    """Rows of the feedback split that are answered and rated; None: all."""
    good_at: float = Field(0.5, ge=0, le=1)
    """The simulated rater is content with answers whose F1 (accuracy, ROUGE-L) reaches this."""
    consent_share: float = Field(0.9, ge=0, le=1)
    """Share of simulated callers who let their feedback be used."""
    minimum_pairs: int = Field(8, ge=1)
    """With fewer pairs there is nothing to align on."""


class Collected(StageResult):
    """Preference pairs, and what became of the rest."""

    pairs: Split | None
    """Object with `pairs.jsonl`: {"id", "text", "passages", "chosen", "rejected", "simulated", "origin"}."""
    counts: dict[str, int]
    """Items read, simulated and real; pairs; and items dropped, by reason."""


def collect(
    config: Config,
    *,
    task: Task,
    policy: Policy,
    candidate: Candidate,
    dataset: Dataset,
    step: Step,
    model: str = "",
    gathered: str = "",
) -> Collected:
    """Preference pairs from simulated feedback on the feedback split and from what callers of `model` (the registered name)
    said.

    gathered: `FeedbackStore(workspace.feedback).mark(model)`, so that the result depends on its inputs alone: what arrives
    later is left for the next run. Raises MachineFault when the store no longer holds what the mark stands for.
    """
    store = FeedbackStore(step.workspace.feedback)
    said = []
    if (split := dataset.splits.get("feedback")) and split.count:
        with answering(candidate, step.store, step.machine) as answer:
            evidence = measure(candidate, answer, split, task, step, rows=config.rows)
        table = examples(evidence, step.store)
        said = rate(candidate, table, kind_of(task.kind).rated_by, config.good_at, config.consent_share)
    # through the store and back: what training sees is what was durably kept
    ids = store.add(*said)
    items = [*store.list(ids=ids), *store.at(gathered, model)]
    rows, dropped = pairs_from(
        items,
        refuse=policy.pii == "refuse",
        held_out=_held_out(dataset, items, task, step),
        usable=_usable(dataset, step),
    )
    simulated = sum(item.simulated for item in items)
    counts = {"items": len(items), "simulated": simulated, "real": len(items) - simulated, "pairs": len(rows), **dropped}
    pairs = _put(rows, step) if len(rows) >= config.minimum_pairs else None
    drops = tuple(f"feedback dropped: {count} × {reason}" for reason, count in dropped.items() if reason != "scrubbed")
    return Collected(
        decision=_decision(config, counts),
        pairs=pairs,
        counts=counts,
        objects=(pairs.object,) if pairs else (),
        metrics={"pairs": float(len(rows)), "simulated_items": float(simulated), "real_items": float(counts["real"])},
        notes=(f"feedback: {simulated} simulated items, {counts['real']} real ones, {len(rows)} preference pairs", *drops),
    )


def _held_out(dataset: Dataset, items: list[Feedback], task: Task, step: Step) -> set[str]:
    """Normalised questions that may not be trained on: those of validation and test, and what callers asked that gives one
    of these or a benchmark's away, in other words or with its answer (of a summary: or whose correction does). A caller may
    ask them, training may not see them."""
    rows = {name: dataset.rows(name, step.store) for name in ("validation", "test") if name in dataset.splits}
    silent = {row.id for held in rows.values() for row in held if not row.passage or row.answer == task.abstain}
    known = [Item(name, row.id, row.text, "" if row.id in silent else row.answer) for name in rows for row in rows[name]]
    if kind_of(task.kind).writes:
        known += [Item(name, row.id, row.answer) for name in rows for row in rows[name]]
    if dataset.benchmark_items:
        known += [Item(**item) for item in read_jsonl(step.store.file(dataset.benchmark_items.object))]
    leaks = Leaks(known)
    found = leaks.of_rows([(item.question, item.text) for item in items])
    if kind_of(task.kind).writes:
        corrected = leaks.of_rows([(item.text, "") for item in items])
        found = [one or other for one, other in zip(found, corrected, strict=True)]
    asked = {normalise(item.question) for item, leak in zip(items, found, strict=True) if leak}
    return asked | {normalise(row.text) for held in rows.values() for row in held}


def _usable(dataset: Dataset, step: Step) -> set[str] | None:
    """Passages that training may see; None without a knowledge base."""
    if dataset.knowledge is None:
        return None
    return {passage.id for passage in read_passages(dataset.training_knowledge or dataset.knowledge, step.store)}


def _put(rows: list[dict[str, Any]], step: Step) -> Split:
    path = step.scratch / "pairs.jsonl"
    write_jsonl(path, rows)
    return Split(name="pairs", object=step.store.put(path), count=len(rows))


def _decision(config: Config, counts: dict[str, int]) -> Decision:
    source = f"{counts['simulated']} simulated and {counts['real']} real items"
    if counts["pairs"] >= config.minimum_pairs:
        return Decision(verdict="adopt", reason=f"{counts['pairs']} preference pairs from {source} go to alignment")
    reason = f"{counts['pairs']} preference pairs from {source}: alignment needs at least {config.minimum_pairs}"
    return Decision(verdict="not enough evidence", reason=reason)
