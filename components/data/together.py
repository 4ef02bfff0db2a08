"""The training rows of use cases that are tuned together, without what gives away the evaluation of another of them.

Each data step has kept its own training apart from its own evaluation. Here the training rows, practice rows and training
passages of each use case are held against the validation, test and benchmark items of the others, by the same rules. The
result is the same whichever of them is tuned. Not covered: what equal training rows of two use cases teach twice.
"""

import json
from collections import Counter
from dataclasses import replace

from components.core import (
    Contract,
    Dataset,
    Decision,
    Learned,
    Row,
    Share,
    Split,
    StageResult,
    Step,
    Store,
    read_jsonl,
    read_passages,
    read_rows,
)
from components.text.leaks import Item
from components.text.overlap import Overlap

from .contamination import LeakFinding, clean_practice, clean_rows, training_leaks
from .outputs import Outputs
from .stage import Config, rules_of

EVALUATED = ("validation", "test")


class Apart(StageResult):
    """What each use case brings, in the order of their names."""

    shares: tuple[Share, ...]
    table: str
    """Object with `together.jsonl`: each leak that was removed, for review."""


def keep_apart(config: Config, *, contracts: tuple[Contract, ...], step: Step) -> Apart:
    """Take out of each contract's training side what gives the evaluation of another one away."""
    shares, found = [], []
    for own in sorted(contracts, key=lambda one: one.use_case):
        others = [one for one in contracts if one.use_case != own.use_case]
        share, findings = _share(config, own, others, step)
        shares.append(share)
        found += [{"use_case": own.use_case, **finding.line()} for finding in findings]
    keep = Outputs(step)
    removed = ", ".join(f"{one.use_case} {sum(one.removed.values())}" for one in shares)
    rows = ", ".join(f"{one.use_case} {one.dataset.splits['train'].count:,}" for one in shares)
    reason = f"training rows: {rows}; left out because they give another's evaluation away: {removed}"
    return Apart(
        decision=Decision(verdict="adopt", reason=reason),
        shares=tuple(shares),
        table=keep.list("together", "together.jsonl", found),
        objects=tuple(dict.fromkeys(digest for one in shares for digest in _objects(one.dataset))),
    )


def _share(config: Config, own: Contract, others: list[Contract], step: Step) -> tuple[Share, list[LeakFinding]]:
    """(what `own` brings, what was found in it and removed)"""
    rules, store, dataset = rules_of(config, own.task), step.store, own.dataset
    leaks = rules.index([item for other in others for item in _items(config, own, other, store)])
    held_out = Overlap([pair for other in others for pair in _held_out(other, store)], config.near)
    keep = Outputs(replace(step, scratch=step.scratch / own.use_case))
    rows, findings = clean_rows(dataset.rows("train", store), rules, leaks)
    keep.split("train", rows)
    if dataset.made:
        made, more = clean_rows(read_rows(dataset.made, store), rules, leaks)
        findings += more
        keep.split("made", made)
    if dataset.training_knowledge:
        passages = read_passages(dataset.training_knowledge, store)
        more, banned = training_leaks("training passage", passages, leaks, held_out)
        findings += more
        keep.split("training_knowledge", [one for one in passages if one.id not in banned], "passages.jsonl")
    if dataset.practice and dataset.practice_passages:
        about = {one.id: one for one in read_passages(dataset.practice_passages, store)}
        practised, used, more = clean_practice(read_rows(dataset.practice, store), about, leaks, held_out)
        findings += more
        keep.split("practice", practised)
        keep.split("practice_passages", used, "passages.jsonl")
    return Share(
        use_case=own.use_case,
        task=own.task,
        dataset=_training_side(dataset, keep.splits),
        sources=_learned(dataset, rows, store),
        removed=dict(Counter(finding.reason for finding in findings)),
    ), findings


def _items(config: Config, own: Contract, other: Contract, store: Store) -> list[Item]:
    """What of `other` may not turn up in the training of `own`."""
    rules = rules_of(config, other.task)
    items = [
        item
        for name in EVALUATED
        if name in other.dataset.splits
        for item in rules.items(f"{name} of {other.use_case}", other.dataset.rows(name, store))
    ]
    asked = other.dataset.benchmark_items
    if asked and asked != own.dataset.benchmark_items:  # its own data step has removed what leaks these
        items += [Item(**item) for item in read_jsonl(store.file(asked.object))]
    return items


def _held_out(other: Contract, store: Store) -> list[tuple[Item, str]]:
    """The passages that validation and test of `other` are about, one row each."""
    if other.dataset.knowledge is None:
        return []
    texts = {one.id: one.text for one in read_passages(other.dataset.knowledge, store)}
    about = {
        row.passage: Item(f"{name} of {other.use_case}", row.id)
        for name in EVALUATED
        if name in other.dataset.splits
        for row in other.dataset.rows(name, store)
        if row.passage in texts
    }
    return [(item, texts[passage]) for passage, item in about.items() if passage]


def _training_side(dataset: Dataset, kept: dict[str, Split]) -> Dataset:
    """What is left of `dataset` for training: nothing that measures."""
    return Dataset(
        splits={"train": kept["train"]},
        training_knowledge=kept.get("training_knowledge"),
        practice=kept.get("practice"),
        practice_passages=kept.get("practice_passages"),
        made=kept.get("made"),
        provenance=dataset.provenance,
    )


def _learned(dataset: Dataset, rows: list[Row], store: Store) -> tuple[Learned, ...]:
    """Where training rows come from, as the data step's provenance has it."""
    known = {one["name"]: one for one in json.loads(store.file(dataset.provenance).read_text())["sources"]}
    counts = Counter(row.source for row in rows)
    return tuple(
        Learned(source=name, licence=known[name]["licence"], origin=known[name]["origin"], rows=count)
        for name, count in sorted(counts.items())
    )


def _objects(dataset: Dataset) -> list[str]:
    parts = [dataset.training_knowledge, dataset.practice, dataset.practice_passages, dataset.made]
    return [one.object for one in (*dataset.splits.values(), *parts) if one]
