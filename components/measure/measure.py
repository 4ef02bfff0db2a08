"""Measuring one Candidate on one split: answers in fixed chunks, a per-example table in the store, metrics with intervals.

A killed measurement goes on where it stopped: chunks are cut by position, so the batches of a resumed one are those of an
unbroken one, and so are its answers. Not covered: the choice between candidates (compare.py), the seconds
of single requests (application).
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypedDict, cast

from components.core import (
    Candidate,
    Evidence,
    Example,
    Row,
    Split,
    Step,
    Task,
    canonical,
    progress,
    read_jsonl,
    read_rows,
    write_jsonl,
)

from .intervals import table_metric
from .metrics import METRICS, per_example

CHUNK = 32
"""Rows answered between two durable points. Enough to sort by length into two or three full batches."""

CODE = ("components.measure.measure", "components.application.load")
"""What a measured figure depends on; the second by name only, since nothing here imports an application."""


class AnswerLike(Protocol):
    """What an application says about one row (components.application.Answer)."""

    @property
    def id(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def passages(self) -> tuple[str, ...]: ...
    @property
    def scores(self) -> tuple[float, ...]: ...
    @property
    def context(self) -> tuple[str, ...]: ...
    @property
    def context_passages(self) -> tuple[str, ...]: ...
    @property
    def margin(self) -> float | None: ...
    @property
    def cut(self) -> bool: ...


class Chunk(TypedDict):
    """A line of the journal: rows that were answered at once, and the seconds that it took."""

    seconds: float
    rows: list[Example]


Answerer = Callable[[Sequence[Row]], Sequence[AnswerLike]]


def measure(
    candidate: Candidate, answer: Answerer, split: Split, task: Task, step: Step, rows: int | None = None
) -> Evidence:
    """Evidence for `candidate` on the first `rows` rows of `split` (default: all).

    answer: called with at most 32 rows at a time, and only for rows that no earlier measurement of the same candidate
            answered: pass a lazy one (components.application.answering)
    Metrics without a single value (hit@k without a retriever) are left out of `Evidence.metrics`. Seconds go to
    `step.measured`; the first chunk includes the time to load.
    """
    wanted = min(rows or split.count, split.count)
    inputs = [candidate.digest, split.object, wanted, task.kind, task.own]

    def make(inner: Step) -> Evidence:
        examples = read_rows(split, inner.store)[:wanted]
        table = _table(candidate, examples, answer, split.name, task, inner)
        name = split.name if wanted == split.count else f"{split.name}[:{wanted}]"
        figures = {metric: table_metric(table, metric) for metric in METRICS[task.kind]}
        path = inner.scratch / "examples.jsonl"
        write_jsonl(path, table)
        return Evidence(
            candidate=candidate.digest,
            split=name,
            split_object=split.object,
            table=inner.store.put(path),
            metrics={metric: figure for metric, figure in figures.items() if figure},
        )

    return step.memo("measure", Evidence, inputs, make, code=CODE, named=candidate)


def pooled(parts: Sequence[Evidence], split: Split, task: Task, step: Step) -> Evidence:
    """One Evidence on `split`, each of whose rows is in one of `parts`: of several candidates, named by the first one."""
    found = {row["id"]: row for one in parts for row in read_jsonl(step.store.file(one.table))}
    table = [found[row.id] for row in read_rows(split, step.store)]
    figures = {metric: table_metric(table, metric) for metric in METRICS[task.kind]}
    step.scratch.mkdir(parents=True, exist_ok=True)
    path = step.scratch / "examples.jsonl"
    write_jsonl(path, table)
    return Evidence(
        candidate=parts[0].candidate,
        split=split.name,
        split_object=split.object,
        table=step.store.put(path),
        metrics={metric: figure for metric, figure in figures.items() if figure},
    )


def _table(candidate: Candidate, rows: Sequence[Row], answer: Answerer, what: str, task: Task, step: Step) -> list[Example]:
    searched = candidate.retriever is not None
    journal = step.scratch / "answers.jsonl"
    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    done = _read_journal(journal)
    seconds = [chunk["seconds"] for chunk in done]
    table = [row for chunk in done for row in chunk["rows"]]
    with journal.open("a", encoding="utf-8") as file:
        for number, chunk in enumerate(progress(chunks, f"answering {what}")):
            if number < len(done):
                continue
            start = time.perf_counter()
            answers = answer(chunk)
            seconds.append(time.perf_counter() - start)
            assert [one.id for one in answers] == [row.id for row in chunk], "answers are not in the order of the rows"
            examples = [_example(task, row, answered, searched) for row, answered in zip(chunk, answers, strict=True)]
            file.write(canonical({"seconds": seconds[-1], "rows": examples}) + "\n")
            file.flush()
            os.fsync(file.fileno())
            table += examples
    step.measured.update(rows=len(rows), seconds=round(sum(seconds), 3))
    return table


def _example(task: Task, row: Row, answered: AnswerLike, searched: bool) -> Example:
    example = Example(
        id=row.id,
        text=row.text,
        answer=answered.text,
        reference=row.answer,
        origin=row.origin,
        passage=row.passage,
        passages=list(answered.passages),
        scores=[round(score, 6) for score in answered.scores],
        context=list(answered.context),
        context_passages=list(answered.context_passages),
        margin=answered.margin,
        slices=row.slices,
    )
    if row.tests is not None:
        example["tests"] = row.tests
    if answered.cut:
        example["cut"] = True
    figures = per_example(task, row, answered.text, answered.passages if searched else None, answered.context)
    return cast(Example, {**example, **figures})


def _read_journal(path: Path) -> list[Chunk]:
    """The chunks that were written whole; a torn last line is cut off, so that the next one starts on its own line."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    whole = lines[:-1]
    if lines[-1]:
        with path.open("r+b") as file:
            file.truncate(sum(len(line) + 1 for line in whole))
    return [json.loads(line) for line in whole if line]
