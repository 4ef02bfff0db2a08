"""Computes figures again from what lies in the store: metrics, intervals, gains and slices from the per-example tables,
counts from the rows themselves; checks, benchmarks and scenarios in rescore.py. Nothing is read that a stage concluded.
"""

from collections.abc import Iterator
from typing import Any

from components.core import UNOPTIMIZED, Metrics, Row, Split, Task, read_rows, short
from components.measure import METRICS, compare_slices, compared, compared_on
from components.measure.intervals import table_metric
from components.measure.metrics import per_example

from ..examples import pick_examples
from ..record import Record
from .finding import Finding
from .tables import ROUNDING, Tables, differs, same


def measured_again(tables: Tables) -> Iterator[Finding]:
    """Findings about the evidence of the candidate and of its references, and what was derived from them."""
    evaluated = tables.record.evaluated
    own = evaluated.get("evidence")
    if not own:
        yield Finding(where="evidence", what="the record names none: nothing was measured on test", missing=True)
        return
    named = {"this candidate": own, **(evaluated.get("references") or {})}
    usable = {}
    for name, evidence in named.items():
        found = [*tables.unusable(evidence["table"], f"evidence of {name}")]
        found += [] if found else _table(tables, name, evidence)
        yield from found
        if not any(one.missing for one in found):
            usable[name] = tables.rows(evidence["table"])
    rows = usable.pop("this candidate", None)
    if rows is not None:
        yield from _slices(tables, rows)
        yield from _clean(tables.record, {"this candidate": rows, **usable})
        yield from _gains(tables.record, rows, usable)
        yield from _slice_gains(tables.record, rows, usable)
        picked = pick_examples(rows, tables.record.use_case["metrics"]["primary"])
        if picked != tables.record.examples:
            yield Finding(where="best and worst answers", what="others than those that the table gives")


def counted_again(tables: Tables) -> Iterator[Finding]:
    """Findings about the splits: their objects, and how many rows lie there."""
    for name, split in (tables.record.provenance.get("splits") or {}).items():
        found = [*tables.unusable(split["object"], f"split {name}")]
        yield from found
        if not found and (there := len(tables.rows(split["object"]))) != split["count"]:
            yield Finding(where=f"split {name}", what=f"the card counts {split['count']:,} rows, there are {there:,}")


def _table(tables: Tables, name: str, evidence: dict[str, Any]) -> list[Finding]:
    rows, where = tables.rows(evidence["table"]), f"evidence of {name}"
    found = [*_answers(tables.task, rows, where), *_covers(tables, rows, evidence, where)]
    again = {metric: figure for metric in METRICS[tables.task.kind] if (figure := table_metric(rows, metric))}
    for metric in sorted(again.keys() | evidence["metrics"].keys()):
        computed = again[metric].model_dump() if metric in again else None
        if not same(evidence["metrics"].get(metric), computed):
            found.append(differs(f"{metric} of {name}", evidence["metrics"].get(metric), computed))
    return found


def _answers(task: Task, rows: list[dict[str, Any]], where: str) -> Iterator[Finding]:
    """Every per-example figure, from the answer and its reference."""
    searched = any(row.get("passages") for row in rows)
    for row in rows:
        given = Row(id=row["id"], text=row["text"], answer=row["reference"], passage=row.get("passage"))
        passages = row["passages"] if searched else None
        for metric, value in per_example(task, given, row["answer"], passages, row.get("context", ())).items():
            if metric not in row:  # a table from before there was this metric
                continue
            said = row[metric]
            if (said is None) != (value is None) or abs((said or 0.0) - (value or 0.0)) > ROUNDING:
                yield Finding(where=where, what=f"row {short(row['id'])}: {metric} is {value}, the table says {said}")
                return


def _covers(tables: Tables, rows: list[dict[str, Any]], evidence: dict[str, Any], where: str) -> Iterator[Finding]:
    """The rows of a table are those of the split that it names, in that order, with the same references."""
    held = [*tables.unusable(evidence["split_object"], f"test split of {where}")]
    yield from held
    if held:
        return
    split = Split(name=evidence["split"], object=evidence["split_object"], count=len(rows))
    wanted = [(row.id, row.answer) for row in read_rows(split, tables.store)[: len(rows)]]
    if wanted != [(row["id"], row["reference"]) for row in rows]:
        yield Finding(where=where, what=f"its rows are not those of split {short(evidence['split_object'])}")


def _slices(tables: Tables, rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for name, values in (tables.record.evaluated.get("slices") or {}).items():
        for value, metrics in values.items():
            inside = [row for row in rows if row["slices"].get(name) == value]
            for metric, said in metrics.items():
                figure = table_metric(inside, metric)
                computed = figure.model_dump() if figure else None
                if not same(said, computed):
                    yield differs(f"slice {name} = {value}, {metric}", said, computed)


def _clean(record: Record, read: dict[str, list[dict[str, Any]]]) -> Iterator[Finding]:
    """The primary metric without the rows that leaks give away."""
    suspects = set(record.evaluated.get("suspects") or ())
    for name, said in (record.evaluated.get("clean") or {}).items():
        if name in read:  # a table that cannot be read is named with its evidence
            kept = [row for row in read[name] if row["id"] not in suspects]
            figure = table_metric(kept, record.use_case["metrics"]["primary"])
            computed = figure.model_dump() if figure else None
            if not same(said, computed):
                yield differs(f"clean score of {name}", said, computed)


def _gains(record: Record, rows: list[dict[str, Any]], others: dict[str, list[dict[str, Any]]]) -> Iterator[Finding]:
    said: list[tuple[str, dict[str, Any], list[dict[str, Any]] | None, list[dict[str, Any]] | None]]
    said = [(name, gain, others.get(name), rows) for name, gain in (record.evaluated.get("gains") or {}).items()]
    if gain := record.evaluated.get("gain"):
        said.append((gain["over"], gain, others.get(gain["over"]), rows))
    if lost := record.evaluated.get("lost"):
        said.append((lost["over"], lost, rows, others.get(UNOPTIMIZED)))
    for name, comparison, before, after in said:
        if before is None or after is None:
            yield Finding(where=f"gain over {name}", what="its table could not be read", missing=True)
            continue
        least = comparison.get("minimum_effect", 0.0)
        again = compared(before, after, comparison["metric"], over=name, minimum_effect=least).model_dump()
        for what in ("before", "after"):
            if abs(comparison[what] - again[what]) > ROUNDING:
                yield differs(f"gain over {name}, {what}", comparison[what], again[what])
        if not same(comparison["gain"], again["gain"]):
            yield differs(f"gain over {name}", comparison["gain"], again["gain"])
        for what in ("p_value", "power"):
            if comparison.get(what) is not None and comparison[what] != again[what]:
                yield Finding(
                    where=f"gain over {name}, {what}",
                    what=f"the record says {comparison[what]}, the evidence gives {again[what]}",
                )


def _slice_gains(record: Record, rows: list[dict[str, Any]], others: dict[str, list[dict[str, Any]]]) -> Iterator[Finding]:
    said = record.evaluated.get("slice_gains") or {}
    over = (record.evaluated.get("gain") or {}).get("over")
    if not said or over not in others:  # a table that cannot be read is named with the gain over it
        return
    metrics = Metrics.model_validate(record.use_case["metrics"])
    order = compared_on(metrics, record.use_case["task"]["kind"])
    again = compare_slices(others[over], rows, list(said), order, metrics.slices_worse_at_most)
    for name, values in said.items():
        for value, one in values.items():
            found = again.get(name, {}).get(value)
            computed = found.model_dump(mode="json") if found else {}
            for what in one:
                if one[what] != computed.get(what):
                    where = f"slice {name} = {value} against {over}, {what}"
                    yield Finding(where=where, what=f"the record says {one[what]}, the evidence gives {computed.get(what)}")
