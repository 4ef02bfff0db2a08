"""What curation reads of rows and passages, how its result goes back into them, and the list of all that was left out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NotRequired, TypedDict

from components.core import Data, Passage, Row, Task
from components.tasks import kind_of

from .contamination import LeakFinding
from .curate import Curated, curate
from .documents import Document, Entry, Origin, Part, Place, entry
from .normalise import normaliser
from .rows import Collected, passage_id


class Line(Place):
    """A line of `lines.jsonl`: where a row or passage was read."""

    part: Part
    id: NotRequired[str]
    words: NotRequired[str]


class StepDrops(TypedDict):
    """What one step left out: source → rows and passages."""

    step: str
    dropped: dict[str, int]


class Flow(TypedDict):
    """Where rows and passages went (see `flow`)."""

    read: int
    beside: int
    steps: list[StepDrops]
    left: dict[str, int]


def curate_collected(collected: Collected, train: list[Row], data: Data, task: Task) -> tuple[list[Row], Curated]:
    """Curate the passages of the base, the practice rows, the training rows and the documents: (training rows left, what was
    done).

    `collected` is brought up to date. A training row keeps its id: it names what was read, not what became of it. A
    rewritten passage is named anew, by its words.
    """
    asked = {row.passage for row in collected.rows if row.passage}
    documents = [_document("knowledge", one, collected, one.id in asked) for one in collected.passages.values()]
    documents += [_document("documents", one, collected, False) for one in collected.documents.values()]
    practised: dict[str, Row] = {}
    for row in collected.practice:
        practised.setdefault(row.passage or "", row)
    for name, row in practised.items():
        text = collected.practice_passages[name].text
        documents.append(Document("practice", name, text, collected.origin["practice", row.id]))
    turns = kind_of(task.kind).turns
    documents += [Document("train", row.id, row.text, collected.origin["train", row.id], turns=turns) for row in train]
    done = curate(documents, data, task)
    left: dict[Part, dict[str, str]] = {"knowledge": {}, "practice": {}, "train": {}, "documents": {}}
    for document in done.documents:
        left[document.part][document.id] = document.text
    collected.passages = _kept("knowledge", collected.passages, left["knowledge"], collected, data, task, done)
    collected.documents = _kept("documents", collected.documents, left["documents"], collected, data, task, done)
    _keep_practice(collected, left["practice"], data, task, done)
    rows = [row.model_copy(update={"text": left["train"][row.id]}) for row in train if row.id in left["train"]]
    return rows, done


def _document(part: Part, passage: Passage, collected: Collected, fixed: bool) -> Document:
    return Document(part, passage.id, passage.text, collected.origin[part, passage.id], fixed)


def _kept(
    part: Part, before: dict[str, Passage], left: dict[str, str], collected: Collected, data: Data, task: Task, done: Curated
) -> dict[str, Passage]:
    """Those of `before` that are `left`, with their new texts; of those that have become equal, the first."""
    normalised = normaliser(data.normalise.model_copy(update={"stop_words": "keep"}), task.language)
    kept: dict[str, Passage] = {}
    for name, text in left.items():
        passage = before[name]
        if text != passage.text:
            title = normalised(passage.title)
            passage = passage.model_copy(update={"id": passage_id(text), "text": text, "title": title})
        origin = collected.origin[part, name]
        if passage.id in kept:
            done.dropped.append(entry(origin, part, "curated", "equal words after curation"))
            continue
        collected.origin[part, passage.id] = origin
        kept[passage.id] = passage
    return kept


def _keep_practice(collected: Collected, left: dict[str, str], data: Data, task: Task, done: Curated) -> None:
    """Practice rows whose passage is left, question and answer in the normal form of their passage."""
    normalised = normaliser(data.normalise.model_copy(update={"stop_words": "keep"}), task.language)
    before, rows, seen = collected.practice_passages, collected.practice, set()
    collected.practice, collected.practice_passages = [], {}
    for row in rows:
        old = row.passage or ""
        if old not in left:
            if old in seen:  # the first row of a passage stands in the list already
                done.dropped.append(entry(collected.origin["practice", row.id], "practice", "curated", "its passage went"))
            seen.add(old)
            continue
        text = left[old]
        new = passage_id(text)
        collected.practice_passages.setdefault(new, before[old].model_copy(update={"id": new, "text": text}))
        update = {"passage": new, "text": normalised(row.text), "answer": normalised(row.answer)}
        collected.practice.append(row.model_copy(update=update))


def read_at(collected: Collected, uncollected: dict[str, Origin]) -> Iterator[Line]:
    """Where each row and passage was read, kept or not: lines of `lines.jsonl`, {"part", "id", "words", "source", "line",
    "file"}. uncollected: the same of rows that labelling made. words: names a text by its words, as a passage's id does, so
    that it is found here and stands here nowhere; a text without a label has no id, and a passage none but its id."""
    texts = {row.id: row.text for row in (*collected.rows, *collected.practice)}
    known = {**collected.origin, **{("train", name): origin for name, origin in uncollected.items()}}
    for (part, name), origin in known.items():
        line: Line = {"part": part, "id": name, **origin.place}
        yield line | {"words": passage_id(texts[name])} if part in ("train", "practice") and name in texts else line
    for origin, text in collected.unlabelled:
        yield {"part": "train", "words": passage_id(text), **origin.place}


ELSEWHERE = ("training passage", "document")
"""Findings that say nothing of a row or a passage of the base: what leaks in training may stay there, and documents have a
list of their own."""


def left_out(
    collected: Collected,
    placed: dict[str, list[Row]],
    curated: dict[str, list[Row]],
    used: dict[str, list[Row]],
    remaining: set[str],
    findings: Iterable[LeakFinding],
) -> list[Entry]:
    """Entries of `dropped.jsonl` for what leaks, found no room, or is more than the profile uses.

    placed: example rows by split, before curation; curated: after it; used: those that the profile takes. remaining: ids of
    the passages in the base and of the practice rows.
    """
    why = {one.id: one.reason for one in findings if one.removed and one.what not in ELSEWHERE}
    entries = []

    def add(part: Part, name: str, step: str, reason: str) -> None:
        entries.append(entry(collected.origin[part, name], part, step, reason))

    in_splits = {row.id for rows in placed.values() for row in rows}
    for row in collected.rows:
        if row.id not in in_splits and row.origin == "collected":  # what becomes of others: uncollected.py
            add("train", row.id, "leak" if row.id in why else "split", why.get(row.id, "no room in any split"))
    for row in collected.practice:
        if row.id not in remaining:
            add("practice", row.id, "leak", why.get(row.id) or why[row.passage or ""])
    for name, rows in curated.items():
        kept = {row.id for row in used[name]}
        for row in rows:
            if row.id not in kept:
                add("train", row.id, "profile", f"more {name} rows than the profile uses")
    for passage in collected.passages:
        if passage not in remaining:
            add(
                "knowledge",
                passage,
                "leak" if passage in why else "profile",
                why.get(passage, "more passages than the profile uses"),
            )
    return entries


def flow(dropped: Sequence[Entry], read: int, beside: int, left: dict[str, int]) -> Flow:
    """Where rows and passages went: {"read", "beside", "steps": [{"step", "dropped": {source: count}}], "left": {split or
    base: count}}.

    read: records of all sources; beside: passages that came with rows. Both together are what was dropped and what is left.
    Texts that were cut out of a document that stayed are no rows, and not counted.
    """
    steps: dict[str, Counter[str]] = {}
    for one in dropped:
        if "cut" not in one:
            steps.setdefault(one["step"], Counter())[one["source"]] += 1
    return {
        "read": read,
        "beside": beside,
        "steps": [{"step": step, "dropped": dict(sorted(counts.items()))} for step, counts in steps.items()],
        "left": left,
    }


SAID = ("equal", "leak", "split", "curated", "made rows", "profile")
"""Steps whose reasons are few and are counted one by one."""


def by_reason(dropped: Iterable[Entry]) -> dict[str, int]:
    """Reason → rows and passages left out for it: every entry of `dropped.jsonl` but those of cut texts is counted once."""
    names = {"gate": "quarantined", "forget": "forgotten"}
    whole = [one for one in dropped if "cut" not in one]
    reasons = (one["reason"] if one["step"] in SAID else names.get(one["step"], f"curation: {one['step']}") for one in whole)
    return dict(sorted(Counter(reasons).items()))
