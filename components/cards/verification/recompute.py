"""Computes figures again from what lies in the store: metrics, intervals, gains and slices from the per-example tables,
counts from the rows themselves; checks, benchmarks and scenarios in rescore.py. Nothing is read that a stage concluded.
"""

from collections.abc import Iterator, Mapping, Sequence

from components.core import (
    UNOPTIMIZED,
    Example,
    Metrics,
    Row,
    Split,
    Task,
    figure_of,
    read_jsonl,
    read_rows,
    short,
)
from components.measure import METRICS, compare_slices, compared, compared_on
from components.measure.intervals import table_metric
from components.measure.metrics import per_example
from components.measure.reliability import of_no_answer

from ..examples import pick_examples
from ..record import ComparisonDump, EvidenceDump, MetricDump, Record
from .finding import Finding
from .tables import ROUNDING, Tables, differs, dump, same


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
        unusable = [*tables.unusable(evidence["table"], f"evidence of {name}")]
        findings = unusable or _table(tables, name, evidence)
        yield from findings
        if not unusable and not any(finding.missing for finding in findings):
            usable[name] = tables.rows(evidence["table"])
    rows = usable.pop("this candidate", None)
    if rows is not None:
        yield from _slices(tables, rows)
        yield from _clean(tables.record, {"this candidate": rows, **usable})
        yield from _no_answer(tables, rows)
        yield from _gains(tables.record, rows, usable)
        yield from _slice_gains(tables.record, rows, usable)
        picked = pick_examples(rows, tables.record.use_case["metrics"]["primary"])
        if picked != tables.record.examples:
            yield Finding(where="best and worst answers", what="others than those that the table gives")


def counted_again(tables: Tables) -> Iterator[Finding]:
    """Findings about the splits: their objects, and how many rows lie there."""
    for name, split in (tables.record.provenance.get("splits") or {}).items():
        unusable = [*tables.unusable(split["object"], f"split {name}")]
        yield from unusable
        if not unusable and (there := len(read_jsonl(tables.store.file(split["object"])))) != split["count"]:
            yield Finding(where=f"split {name}", what=f"the card counts {split['count']:,} rows, there are {there:,}")


def _table(tables: Tables, name: str, evidence: EvidenceDump) -> list[Finding]:
    rows, where = tables.rows(evidence["table"]), f"evidence of {name}"
    findings = [*_answers(tables.task, rows, where), *_covers(tables, rows, evidence, where)]
    again = {metric: dump(figure) for metric in METRICS[tables.task.kind] if (figure := table_metric(rows, metric))}
    for metric in sorted(again.keys() | evidence["metrics"].keys()):
        recorded, computed = evidence["metrics"].get(metric), again.get(metric)
        if not same(recorded, computed):
            findings.append(differs(f"{metric} of {name}", recorded, computed))
    return findings


def _answers(task: Task, rows: Sequence[Example], where: str) -> Iterator[Finding]:
    """Every per-example figure, from the answer and its reference."""
    searched = any(row.get("passages") for row in rows)
    for row in rows:
        given = Row(
            id=row["id"], text=row["text"], answer=row["reference"], tests=row.get("tests"), passage=row.get("passage")
        )
        passages = row["passages"] if searched else None
        for metric, value in per_example(task, given, row["answer"], passages, row.get("context", ())).items():
            if metric not in row:  # a table from before there was this metric
                continue
            stated = figure_of(row, metric)
            if (stated is None) != (value is None) or abs((stated or 0.0) - (value or 0.0)) > ROUNDING:
                yield Finding(where=where, what=f"row {short(row['id'])}: {metric} is {value}, the table says {stated}")
                return


def _covers(tables: Tables, rows: Sequence[Example], evidence: EvidenceDump, where: str) -> Iterator[Finding]:
    """The rows of a table are those of the split that it names, in that order, with the same references."""
    unusable = [*tables.unusable(evidence["split_object"], f"test split of {where}")]
    yield from unusable
    if unusable:
        return
    split = Split(name=evidence["split"], object=evidence["split_object"], count=len(rows))
    wanted = [(row.id, row.answer, row.tests) for row in read_rows(split, tables.store)[: len(rows)]]
    if wanted != [(row["id"], row["reference"], row.get("tests")) for row in rows]:
        yield Finding(where=where, what=f"its rows are not those of split {short(evidence['split_object'])}")


def _slices(tables: Tables, rows: Sequence[Example]) -> Iterator[Finding]:
    for name, values in (tables.record.evaluated.get("slices") or {}).items():
        for value, metrics in values.items():
            inside = [row for row in rows if row["slices"].get(name) == value]
            for metric, recorded in metrics.items():
                computed = _computed(inside, metric)
                if not same(recorded, computed):
                    yield differs(f"slice {name} = {value}, {metric}", recorded, computed)


def _clean(record: Record, read: Mapping[str, Sequence[Example]]) -> Iterator[Finding]:
    """The primary metric without the rows that leaks give away."""
    suspects = set(record.evaluated.get("suspects") or ())
    for name, recorded in (record.evaluated.get("clean") or {}).items():
        if name in read:  # a table that cannot be read is named with its evidence
            clean = [row for row in read[name] if row["id"] not in suspects]
            computed = _computed(clean, record.use_case["metrics"]["primary"])
            if not same(recorded, computed):
                yield differs(f"clean score of {name}", recorded, computed)


def _no_answer(tables: Tables, rows: Sequence[Example]) -> Iterator[Finding]:
    """The reliability of the probability that there is no answer."""
    recorded = tables.record.evaluated.get("no_answer")
    again = of_no_answer(rows, tables.record.candidate.quoted, tables.task.abstain)
    computed = again.model_dump(mode="json") if again else None
    if "no_answer" in tables.record.evaluated and recorded != computed:  # a record from before there was this figure
        yield Finding(where="probability of no answer", what="another reliability than the one that the table gives")


def _computed(rows: Sequence[Example], metric: str) -> MetricDump | None:
    figure = table_metric(rows, metric)
    return dump(figure) if figure else None


def _gains(record: Record, rows: Sequence[Example], others: Mapping[str, Sequence[Example]]) -> Iterator[Finding]:
    comparisons: list[tuple[str, ComparisonDump, Sequence[Example] | None, Sequence[Example] | None]]
    comparisons = [(name, gain, others.get(name), rows) for name, gain in (record.evaluated.get("gains") or {}).items()]
    if gain := record.evaluated.get("gain"):
        comparisons.append((gain["over"], gain, others.get(gain["over"]), rows))
    if lost := record.evaluated.get("lost"):
        comparisons.append((lost["over"], lost, rows, others.get(UNOPTIMIZED)))
    for name, comparison, before, after in comparisons:
        if before is None or after is None:
            yield Finding(where=f"gain over {name}", what="its table could not be read", missing=True)
            continue
        least = comparison.get("minimum_effect", 0.0)
        again = compared(before, after, comparison["metric"], over=name, minimum_effect=least)
        means = (("before", comparison["before"], again.before), ("after", comparison["after"], again.after))
        for what, recorded, computed in means:
            if abs(recorded - computed) > ROUNDING:
                yield differs(f"gain over {name}, {what}", recorded, computed)
        if not same(comparison["gain"], dump(again.gain)):
            yield differs(f"gain over {name}", comparison["gain"], dump(again.gain))
        power = again.power.model_dump() if again.power else None
        tests = (("p_value", comparison.get("p_value"), again.p_value), ("power", comparison.get("power"), power))
        for what, stated, recomputed in tests:
            if stated is not None and stated != recomputed:
                where = f"gain over {name}, {what}"
                yield Finding(where=where, what=f"the record says {stated}, the evidence gives {recomputed}")


def _slice_gains(record: Record, rows: Sequence[Example], others: Mapping[str, Sequence[Example]]) -> Iterator[Finding]:
    recorded = record.evaluated.get("slice_gains") or {}
    over: str = record.evaluated.get("slices_over") or (record.evaluated.get("gain") or {}).get("over", "")
    if not recorded or over not in others:  # a table that cannot be read is named with the gain over it
        return
    metrics = Metrics.model_validate(record.use_case["metrics"])
    order = compared_on(metrics, record.use_case["task"]["kind"])
    again = compare_slices(others[over], rows, list(recorded), order, metrics.slices_worse_at_most)
    for name, values in recorded.items():
        for value, one in values.items():
            gain = again.get(name, {}).get(value)
            computed = gain.model_dump(mode="json") if gain else {}
            for what in one:
                if one[what] != computed.get(what):
                    where = f"slice {name} = {value} against {over}, {what}"
                    yield Finding(where=where, what=f"the record says {one[what]}, the evidence gives {computed.get(what)}")
