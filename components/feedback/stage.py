"""The feedback stage: what was said about answers becomes preference pairs.

A simulated rater answers for the people who are not there yet: it rates the Candidate's answers on the feedback split, and
its items go through the same durable store, consent check and privacy scrub as those that the endpoint collects. The flow
hands the pairs to `tuning`. No answer and no source counts for more than the caps below; what is beyond them waits for a
person (`ninefold feedback`). Not covered: labelling tools, agreement between raters.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

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
    Received,
    Split,
    StageResult,
    Step,
    Task,
    read_jsonl,
    read_passages,
    write_jsonl,
)
from components.measure import examples, measure, normalise
from components.tasks import kind_of
from components.text import apart, english_only, is_english
from components.text.leaks import Item, Leaks
from components.text.turns import by_user

from .caps import Caps
from .pairs import SCRUBBED, Paired, pairs_from
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
    answer_items: int = Field(3, ge=1)
    """At most this many ratings of one answer count, and as many corrections."""
    answer_items_of_source: int = Field(1, ge=1)
    """Of these, at most this many of one source."""
    source_share: float = Field(0.25, gt=0, le=1)
    """One source gives at most this share of the pairs of a training run; simulated pairs, and those that a person accepted,
    belong to none."""
    seed: int = 0
    """Of the draw among the pairs under the caps."""


class Collected(StageResult):
    """Preference pairs, and what became of the rest."""

    pairs: Split | None
    """Object with `pairs.jsonl`: rows as `Paired` (pairs.py) says."""
    counts: dict[str, int]
    """Items read, simulated and real; sources of the real ones; pairs; items in quarantine; and items dropped, by reason."""
    quarantine: Split | None = None
    """Object with `quarantine.jsonl`: {"id", "reason"} of each item that waits for a person."""
    source_share: float
    """What training holds to again, after it has left out pairs that it cannot use."""
    model: str = ""
    gathered: str = ""
    """What it read: the registered model and the mark."""


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
    simulated: list[Feedback] = []
    if (split := dataset.splits.get("feedback")) and split.count:
        with answering(candidate, step.store, step.machine) as answer:
            evidence = measure(candidate, answer, split, task, step, rows=config.rows)
        table = examples(evidence, step.store)
        simulated = rate(candidate, table, kind_of(task.kind).rated_by, config.good_at, config.consent_share)
    # through the store and back: what training sees is what was durably kept
    ids = store.add(*simulated)
    rated = [Received(item=item, ticket=item.digest) for item in store.list(ids=ids)]
    real = store.at(gathered, model)
    items = [one.item for one in (*rated, *real)]
    paired = pairs_from(
        [*rated, *real],
        caps=Caps(**config.model_dump(include=set(Caps.model_fields))),
        refuse=policy.pii == "refuse",
        held_out=_held_out(dataset, items, task, step),
        usable=_usable(dataset, step),
        labels=task.labels,
    )
    counts = {
        "items": len(items), "simulated": len(rated), "real": len(real), "sources": len({one.source for one in real}),
        "pairs": len(paired.rows), "quarantined": len(paired.quarantine), **paired.dropped,
    }  # fmt: skip
    pairs = _put("pairs", paired.rows, step) if len(paired.rows) >= config.minimum_pairs else None
    waiting = [{"id": id, "reason": reason} for id, reason in sorted(paired.quarantine.items())]
    quarantine = _put("quarantine", waiting, step) if waiting else None
    return Collected(
        decision=_decision(config, counts),
        pairs=pairs,
        counts=counts,
        quarantine=quarantine,
        source_share=config.source_share,
        model=model,
        gathered=gathered,
        objects=tuple(split.object for split in (pairs, quarantine) if split),
        metrics={
            "pairs": float(len(paired.rows)), "simulated_items": float(len(rated)), "real_items": float(len(real)),
            "quarantined_items": float(len(waiting)),
        },
        notes=_notes(counts, paired, model, task.language),
    )  # fmt: skip


def _notes(counts: dict[str, int], paired: Paired, model: str, language: str) -> tuple[str, ...]:
    real = f"{counts['real']} real ones" + (f" from {_many(counts['sources'], 'source')}" if counts["real"] else "")
    notes = [f"feedback: {counts['simulated']} simulated items, {real}, {counts['pairs']} preference pairs"]
    notes += [f"feedback dropped: {count} × {reason}" for reason, count in paired.dropped.items() if reason != SCRUBBED]
    waits = f"feedback in quarantine until a person decides (`ninefold feedback list {model}`)"
    notes += [f"{waits}: {count} × {reason}" for reason, count in sorted(Counter(paired.quarantine.values()).items())]
    pii = "personal data in words (PII recognisers; patterns such as addresses and numbers are found)"
    notes += [] if is_english(language) else [english_only(pii, language)]
    return tuple(notes)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _held_out(dataset: Dataset, items: list[Feedback], task: Task, step: Step) -> set[str]:
    """Normalised questions that may not be trained on: those of validation and test, and what callers asked that gives one
    of these or a benchmark's away, in other words or with its answer (of a summary: or whose correction does). A caller may
    ask them, training may not see them."""
    rows = {name: dataset.rows(name, step.store) for name in ("validation", "test") if name in dataset.splits}
    silent = {
        row.id for held in rows.values() for row in held if not (row.passage or task.given) or row.answer == task.abstain
    }
    known = []
    for split, row in ((name, row) for name, held in rows.items() for row in held):
        given, asked = _apart(row.text, task)
        known.append(Item(split, row.id, asked, "" if row.id in silent else row.answer, given))
    told = kind_of(task.kind).writes and not kind_of(task.kind).turns  # the same reply to something else is a usual one
    if told:
        known += [Item(name, row.id, row.answer) for name in rows for row in rows[name]]
    if dataset.benchmark_items:
        known += [Item(**item) for item in read_jsonl(step.store.file(dataset.benchmark_items.object))]
    leaks = Leaks(known)
    parts = [_apart(item.question, task) for item in items]
    given_away = leaks.of_rows(
        [(question, item.text) for (_, question), item in zip(parts, items, strict=True)], [given for given, _ in parts]
    )
    if told:
        corrected = leaks.of_rows([(item.text, "") for item in items])
        given_away = [one or other for one, other in zip(given_away, corrected, strict=True)]
    kept_back = {normalise(item.question) for item, leak in zip(items, given_away, strict=True) if leak}
    return kept_back | {normalise(row.text) for held in rows.values() for row in held}


def _apart(asked: str, task: Task) -> tuple[str, str]:
    """(the text that comes with a question, the question: of a conversation what the user says)"""
    return ("", by_user(asked)) if kind_of(task.kind).turns else apart(asked, task.given)


def _usable(dataset: Dataset, step: Step) -> set[str] | None:
    """Passages that training may see; None without a knowledge base."""
    if dataset.knowledge is None:
        return None
    return {passage.id for passage in read_passages(dataset.training_knowledge or dataset.knowledge, step.store)}


def _put(name: str, rows: Sequence[Mapping[str, object]], step: Step) -> Split:
    path = step.scratch / f"{name}.jsonl"
    write_jsonl(path, rows)
    return Split(name=name, object=step.store.put(path), count=len(rows))


def _decision(config: Config, counts: dict[str, int]) -> Decision:
    source, held = f"{counts['simulated']} simulated and {counts['real']} real items", counts["quarantined"]
    waits = f"; {_many(held, 'item')} beyond the caps {'waits' if held == 1 else 'wait'} for a person" if held else ""
    if counts["pairs"] >= config.minimum_pairs:
        return Decision(verdict="adopt", reason=f"{counts['pairs']} preference pairs from {source} go to alignment{waits}")
    reason = f"{counts['pairs']} preference pairs from {source}: alignment needs at least {config.minimum_pairs}{waits}"
    return Decision(verdict="not enough evidence", reason=reason)
