"""What templates and plots need, worked out from a Record: tables, parts, trainings; gates.py has the gates."""

from collections.abc import Iterable, Mapping
from typing import NotRequired, TypedDict

from components.ladder import RungRow, place, rows
from components.training import JoinedRow, PretrainedRow, TrialRow, joined_rows, pretrained_rows, trial_rows

from .record import MetricDump, Record

FAMILIAR = ("f1", "exact_match", "accuracy", "macro_f1", "rouge_l", "abstention_precision", "hit@1", "hit@5", "mrr")
DECIDED = ("evaluation", "optimization.evaluate")
"""Steps that measure on test: before optimization, and after it."""
ENOUGH = 5
"""Examples below which a figure says nothing: marked in the tables, and left out of the metadata."""


KEY = 4
"""Metrics among the key figures where the contract does not name more."""


class BeforeAfter(TypedDict):
    """The figure of a benchmark or bias set for the base model and for the candidate."""

    before: NotRequired[MetricDump]
    after: NotRequired[MetricDump]
    worsening: NotRequired[MetricDump]
    kind: str
    """`forgetting` or `bias`."""
    licence: str
    """Of a task from the hub with its revisions."""


class Variant(TypedDict):
    """A row of the optimisation table, as far as it is plotted; what was not timed lacks its seconds."""

    variant: str
    verdict: str
    megabytes: float
    figures: dict[str, float]
    p50: NotRequired[float]


def before_after(record: Record) -> dict[str, BeforeAfter]:
    """Benchmark or bias set → its figures."""
    kinds = {"benchmarks": "forgetting", "bias": "bias"}
    licences, pinned = (record.evaluated.get(key) or {} for key in ("licences", "pinned"))
    stated = {name: {f"revision {task['revision'][:12]}" for task in tasks} for name, tasks in pinned.items()}
    return {
        name: {**row, "kind": kind, "licence": ", ".join([licences.get(name, ""), *sorted(stated.get(name, ()))])}
        for key, kind in kinds.items()
        for name, row in (record.evaluated.get(key) or {}).items()
    }


def test_metrics(record: Record) -> dict[str, MetricDump]:
    """Metric → its dump, of the candidate on the test split."""
    metrics: dict[str, MetricDump] = (record.evaluated.get("evidence") or {}).get("metrics", {})
    return {name: metrics[name] for name in _in_order(record, metrics)}


def key_metrics(record: Record) -> dict[str, MetricDump]:
    """The figures to read first: primary metric, floors, then what people know best, up to `KEY`."""
    metrics, asked = test_metrics(record), record.use_case.get("metrics", {})
    decided = {asked.get("primary"), *asked.get("floors", {})}
    told = [name for name, metric in metrics.items() if name in decided or metric.get("n", 0) >= ENOUGH]
    return {name: metrics[name] for name in told[: max(KEY, len(decided & set(told)))]}


def slices_with_margin(record: Record) -> dict[str, dict[str, object]]:
    """`slice = value` → its paired difference and verdict, of the slices for which the contract sets a margin."""
    gains = record.evaluated.get("slice_gains") or {}
    return {
        f"{name} = {value}": one
        for name, values in gains.items()
        for value, one in values.items()
        if one.get("margin") is not None
    }


def _in_order(record: Record, names: Iterable[str]) -> list[str]:
    """What the contract decides on first, then what people know best, then the rest."""
    asked = record.use_case.get("metrics", {})
    first = dict.fromkeys((asked.get("primary"), *asked.get("floors", {}), *FAMILIAR, *sorted(names)))
    return [name for name in first if name in set(names)]


def decider(record: Record) -> str:
    """The step whose evaluation decided."""
    return next((name for name in DECIDED if record.results.get(name) == record.evaluated), DECIDED[0])


def spendings(record: Record) -> dict[str, tuple[float | None, str]]:
    """Limit's key in the contract → (what single requests took in the evaluation that decided, unit)."""
    requests = record.measured.get(decider(record), {}).get("requests", {})
    currency = record.use_case.get("value", {}).get("currency", "")
    return {
        "latency_p95_seconds": (requests.get("p95"), "s"),
        "memory_gb": (requests.get("memory_gb"), "GB"),
        "cost_per_1000_answers": (requests.get("cost_per_1000_answers"), currency),
    }


def variants(record: Record) -> list[Variant]:
    """Rows of the optimisation table, with what was timed beside what was measured."""
    timed = record.measured.get("optimization", {}).get("variants", {})
    rows: list[Variant] = record.results.get("optimization", {}).get("variants", [])
    return [{**row, **timed.get(row["variant"], {})} for row in rows]


def ladder(record: Record) -> list[RungRow]:
    """The rungs of the run, cheapest first."""
    primary = record.use_case.get("metrics", {}).get("primary", "")
    return rows(record.results, record.measured, record.unclimbed, primary)


def climbed(record: Record) -> str:
    """How far the ladder was climbed, in a sentence; empty where the run has no ladder."""
    if not (rungs := ladder(record)):
        return ""
    enough = record.use_case["metrics"]["enough"]
    tried = sorted((row["rung"] for row in rungs if row["verdict"] != "not climbed"), key=place)
    met = next((row["rung"] for row in rungs if row["verdict"] == "meets"), None)
    were = "was" if len(tried) == 1 else "were"
    end = f"{met} meets the contract" if met else f"of none all of the interval on validation reaches {enough:g}"
    return f"of {len(rungs)} rungs {len(tried)} {were} climbed ({', '.join(tried)}); {end}"


def parts(record: Record) -> list[tuple[str, str, str, str | None]]:
    """(part, what it is, licence, digest) of the candidate."""
    one = record.candidate
    rows: list[tuple[str, str, str, str | None]] = []
    model, label = one.model, "model"
    while model and model.derived_from:
        step = model.derived_from
        rows.append((label, f"{model.name}, by {step.technique}", model.licence, model.object))
        if step.adapter:
            adapter = f"{step.adapter.technique}, {step.adapter.objective}, merged first"
            rows.append(("adapter", adapter, "apache-2.0", step.adapter.object))
        model, label = step.checkpoint, "made from"
        if model is None:
            rows.append(("base model", "not known: made elsewhere, and nobody said from what", "", None))
    if model:
        rows.append(("base model", f"{model.name}, from {model.origin}", model.licence, model.object))
    if one.baseline:
        rows.append(("plain baseline", one.baseline.kind.replace("_", " "), "apache-2.0", one.baseline.object))
    if one.prompt:
        more = "".join(f", one more where an answer is {two.fault.replace('_', ' ')}" for two in one.prompt.refinements)
        what = f"{one.prompt.method}, {len(one.prompt.turns)} turn(s){more}"
        rows.append(("prompt", what, "apache-2.0", one.prompt.digest))
    if one.retriever:
        what = f"{one.retriever.scoring}, the best {one.retriever.top_k} in the prompt"
        rows.append(("retriever", what, "apache-2.0", one.retriever.index))
        rows.append(
            ("knowledge base", "passages", "; ".join(record.provenance.get("licences", ())), one.retriever.knowledge)
        )
        embedder = one.retriever.embedder
        if embedder and (tuned := embedder.derived_from):
            what = f"{embedder.name}, by {tuned.technique} tuning on {tuned.settings.get('rows')} training questions"
            rows.append(("embedder", what, embedder.licence, embedder.object))
            rows.append(
                (
                    "base embedder",
                    f"{embedder.first.name}, from {embedder.first.origin}",
                    embedder.licence,
                    embedder.first.object,
                )
            )
        elif embedder:
            rows.append(("embedder", f"{embedder.name}, from {embedder.origin}", embedder.licence, embedder.object))
    if one.adapter:
        rows.append(("adapter", f"{one.adapter.technique}, {one.adapter.objective}", "apache-2.0", one.adapter.object))
    return [*rows, ("runtime", f"{one.runtime.engine}, {one.runtime.dtype}", "", None)]


def representation(record: Record) -> list[dict[str, object]]:
    """Who is in the data before and after each step that drops or labels: {"step", "unit", "before", "after", "groups"}.

    groups: each slice, source and group of people with its count where the step starts anew, `count → count` where it lost
    some, and "" where it lost none.
    """
    shown: list[dict[str, object]] = []
    last: tuple[tuple[str, int], ...] = ()
    for one in (record.provenance.get("bias") or {}).get("steps") or ():
        groups = {name: (before, after) for name, (before, after) in one["groups"].items() if before}
        anew = tuple((name, before) for name, (before, _) in groups.items()) != last
        counts = {
            name: f"{before} → {after}" if before != after else f"{before}" for name, (before, after) in groups.items()
        }
        listed = [f"{name} {counts[name]}" for name, (before, after) in groups.items() if anew or before != after]
        shown.append({**one, "unit": one.get("unit", "rows"), "groups": ", ".join(listed)})
        last = tuple((name, after) for name, (_, after) in groups.items() if after)
    return shown


def trainings(record: Record) -> dict[str, dict[str, object]]:
    """Step that trained → its figures; losses are shown by where they began and ended."""
    trained: dict[str, dict[str, object]] = {}
    for name in (*tunings(record), *(name for name in record.results if name == "feedback.align")):
        figures = dict(record.measured.get(name, {}).get("training", {}))
        losses = figures.pop("losses", None)
        if losses:
            figures["loss, first and last logged"] = [losses[0], losses[-1]]
        trained[name] = figures
    return trained


def tunings(record: Record) -> list[str]:
    """The steps that tuned: one a rung of the ladder."""
    return [name for name in record.results if name.partition(".")[0] == "tuning"]


def made_rows(record: Record) -> dict[str, object]:
    """The decision on rows that nobody collected, of the last step that tried them; empty where none did."""
    tried = (record.results[name].get("made") for name in reversed(tunings(record)))
    return next((dict(decision) for decision in tried if decision), {})


def pseudo(record: Record) -> dict[str, object]:
    """The pseudo-labels of the last step of tuning that gave any; empty where none did."""
    given = (record.results[name].get("pseudo") for name in reversed(tunings(record)))
    return next((dict(told) for told in given if told), {})


def together(record: Record) -> list[JoinedRow]:
    """Trainings on the rows of several use cases."""
    return joined_rows(record.results)


def trials(record: Record) -> list[TrialRow]:
    """What searches of tuning tried, in order."""
    return trial_rows(record.results, record.measured)


def pretrainings(record: Record) -> list[PretrainedRow]:
    """How likely texts were to the model before and after it read documents."""
    return pretrained_rows(record.results, record.measured)


def slice_metrics(record: Record, values: Mapping[str, Mapping[str, object]], most: int = 5) -> list[str]:
    """The metrics of a slice that a reviewer needs first: primary, floors, then the others."""
    return _in_order(record, {name for figures in values.values() for name in figures})[:most]
