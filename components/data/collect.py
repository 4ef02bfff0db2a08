"""Every source, read and through the quality gate: what may be used, what was set aside, and what was forgotten."""

from dataclasses import dataclass
from pathlib import Path

from components.core import Data, GateRefused, Source, Step, Task, progress
from components.text.suppression import Suppressed

from .documents import Entry, Origin, Place
from .gate import Gate, refusal
from .locate import find
from .read import Record, read_source
from .rows import Collected


class Quarantined(Place):
    """A line of `quarantine.jsonl`: a record that failed the gate."""

    reasons: list[str]


@dataclass(frozen=True)
class Gated:
    """What passed the gate, and what it found on the way."""

    collected: Collected
    examined: list[tuple[Source, Record, bool]]
    """All records, and whether each passed."""
    read: dict[str, int]
    forgotten: dict[str, int]
    quarantine: list[Quarantined]
    entries: list[Entry]
    """What was forgotten (without its file's name) and what was set aside, as lines of `dropped.jsonl`."""
    warned: tuple[str, ...]
    docs: str


def collect(task: Task, data: Data, folder: Path, max_characters: int, suppressed: Suppressed, step: Step) -> Gated:
    """Read and validate every source. Raises BadInput for what cannot be read, GateRefused (after all sources are read, so
    that one report names everything) where a source fails a critical expectation, or no example row is left."""
    gate, collected = Gate(step.scratch / "docs"), Collected(task, data.labelling is not None)
    read: dict[str, int] = {}
    forgotten: dict[str, int] = {}
    quarantine: list[Quarantined] = []
    entries: list[Entry] = []
    warned: list[str] = []
    refused: list[str] = []
    examined: list[tuple[Source, Record, bool]] = []
    for number, source in enumerate(progress(data.sources, "checking sources")):
        everything = read_source(source, number, find(data, number, folder, step.workspace), task)
        records = [one for one in everything if not suppressed.holds(one.text, one.answer, one.passage, one.title)]
        read[source.name], forgotten[source.name] = len(everything), len(everything) - len(records)
        left = {one.line for one in records}
        lines = [one.line for one in everything if one.line not in left]
        entries += [{"source": source.name, "line": line, "step": "forget", "reason": "was forgotten"} for line in lines]
        if not records:
            refused.append(
                f"source '{source.name}' ({source.path}): every row holds what this workspace was asked to forget"
            )
            continue
        verdict = gate.check(source, records, task, data, max_characters)
        examined += [(source, record, record.line not in verdict.bad) for record in records]
        files = {record.line: record.file for record in records}
        for line, reasons in sorted(verdict.bad.items()):
            where = Origin(source.name, line, files.get(line, "")).place
            quarantine.append({**where, "reasons": reasons})
            entries.append({**where, "step": "gate", "reason": "; ".join(reasons)})
        refused += verdict.of(source)
        warned += verdict.warned
        collected.add(source, [record for record in records if record.line not in verdict.bad])
    docs = step.store.put(gate.settle())
    if refused:
        raise GateRefused(f"{refusal(refused, data)}. Report: {step.store.path(docs) / 'index.html'}")
    if not any(row.origin == "collected" for row in collected.rows):
        raise GateRefused("data: every example row was set aside (data.quarantine_at_most allows it): correct the files")
    return Gated(collected, examined, read, forgotten, quarantine, entries, tuple(warned), docs)
