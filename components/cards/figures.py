"""What templates and plots need, worked out from a Record: gates, tables, risks. No text is escaped here."""

from collections.abc import Iterable
from typing import Any

from components.core import Comparison, Frozen
from components.measure import LEVEL, significant

from .record import Record
from .text import number

FAMILIAR = ("f1", "exact_match", "accuracy", "macro_f1", "rouge_l", "abstention_precision", "hit@1", "hit@5", "mrr")
DECIDED = ("evaluation", "optimization.evaluate")
"""Steps that measure on test: before optimization, and after it."""
SPENT = {"latency_p95_seconds": "latency, p95", "memory_gb": "memory", "cost_per_1000_answers": "cost of 1,000 answers"}
"""Limit of the contract → what it bounds."""
ENOUGH = 5
"""Examples below which a figure says nothing: marked in the tables, and left out of the metadata."""


class Gate(Frozen):
    """One condition of the contract, what was found, and whether it holds (None: not measured)."""

    name: str
    found: Any
    asked: str
    holds: bool | None
    evidence: str | None = None
    """Digest of the per-example table behind it."""
    source: str = ""
    """Why it was not measured, where it was not."""
    n: int | None = None
    """Items behind it."""
    p_value: float | None = None
    difference: bool = False
    """Shown with its sign."""


def gates(record: Record) -> list[Gate]:
    """Every condition that the release had to meet, in the order in which a reviewer asks."""
    metrics, policy = (record.use_case.get(name, {}) for name in ("metrics", "policy"))
    found = test_metrics(record)
    table = (record.evaluated.get("evidence") or {}).get("table")
    rows = [_at_least(found, metrics.get("primary", ""), metrics.get("at_least"), table), _gain_gate(record, table)]
    if record.evaluated.get("lost"):
        lost = Comparison.model_validate(record.evaluated["lost"])
        rows.append(
            Gate(
                name="loss in optimization",
                asked=f"no sure loss: interval not above 0, or p over {LEVEL:g}",
                holds=not significant(lost),
                evidence=table,
                **_difference(lost.gain.model_dump(), lost.p_value),
            )
        )
    rows += [_at_least(found, name, floor, table) for name, floor in metrics.get("floors", {}).items()]
    rows += [_slice_gate(record, name, bound, table) for name, bound in metrics.get("slices_worse_at_most", {}).items()]
    rows += [_limit(record, name) for name in SPENT]
    rows += [_worsening(record, name, bound) for name, bound in _bounds(record).items()]
    return rows + [_failing(record, name, bound) for name, bound in policy.get("failing_at_most", {}).items()]


def _at_least(found: dict[str, Any], name: str, least: float | None, table: str | None) -> Gate:
    metric = found.get(name)
    holds = None if metric is None or least is None else metric["value"] >= least
    asked = f"at least {least:g}" if least is not None else ""
    return Gate(name=name, found=metric, asked=asked, holds=holds, evidence=table, n=_count(metric))


def _gain_gate(record: Record, table: str | None) -> Gate:
    gain = record.evaluated.get("gain")
    if not gain:
        return Gate(name="gain over the best reference", found=None, asked="interval above 0", holds=None)
    low, least, p_value = gain["gain"].get("low"), gain.get("minimum_effect", 0.0), gain.get("p_value")
    tested = "" if p_value is None else f"p at most {LEVEL:g}, "
    sure = low is not None and low > 0 and (p_value is None or p_value <= LEVEL)
    return Gate(
        name=f"gain over {gain['over']}",
        asked=f"interval above 0, {tested}gain of {least:g} or more",
        holds=None if low is None else sure and gain["gain"]["value"] >= least,
        evidence=table,
        **_difference(gain["gain"], p_value),
    )


def _slice_gate(record: Record, name: str, bound: float, table: str | None) -> Gate:
    """The value that comes nearest to being worse than the contract allows; of equals, the one with the lowest gain."""
    values = (record.evaluated.get("slice_gains") or {}).get(name, {})
    nearest = max(values, key=lambda value: (values[value]["p_value"], -values[value]["gain"]["value"]), default=None)
    if nearest is None:
        asked, source = _not_worse(bound), "no reference to compare with"
        return Gate(name=f"gain on each {name}", found=None, asked=asked, holds=None, source=source)
    lowest = min(one["gain"]["value"] for one in values.values()) == values[nearest]["gain"]["value"]
    return Gate(
        name=f"gain on each {name}, {'lowest' if lowest else 'least sure'}: {nearest}",
        asked=_not_worse(bound),
        holds=all(one["verdict"] == "not worse" for one in values.values()),
        evidence=table,
        **_difference(values[nearest]["gain"], values[nearest]["p_value"]),
    )


def _not_worse(bound: float) -> str:
    return f"surely above -{bound:g} for each" if bound else "surely not worse for each"


def _limit(record: Record, name: str) -> Gate:
    spent, unit = spendings(record)[name]
    allowed = record.use_case.get("limits", {}).get(name)
    return Gate(
        name=SPENT[name],
        found=None if spent is None else f"{number(spent)} {unit}".strip(),
        asked=f"at most {allowed:g} {unit}".strip() if allowed is not None else "no limit",
        holds=None if spent is None or allowed is None else spent <= allowed,
        n=record.measured.get(decider(record), {}).get("requests", {}).get("n"),
    )


def _difference(found: dict[str, Any], p_value: float | None) -> dict[str, Any]:
    """Fields of a Gate on a paired difference."""
    return {"found": found, "n": _count(found), "p_value": p_value, "difference": True}


def _count(metric: dict[str, Any] | None) -> int | None:
    return metric.get("n") or None if metric else None


def _bounds(record: Record) -> dict[str, float]:
    bounds: dict[str, float] = record.use_case.get("policy", {}).get("bias_at_most", {})
    return bounds


def _worsening(record: Record, name: str, bound: float) -> Gate:
    checks = record.evaluated.get("checks") or {}
    row = {**checks, **before_after(record)}.get(name, {})
    found = row.get("worsening")
    asked = f"worse by at most {bound:g}"
    return Gate(
        name=f"{name}, worsening",
        found=found,
        asked=asked,
        holds=found["value"] <= bound if found else None,
        source=_source(found),
        n=_count(found),
        difference=True,
    )


def _failing(record: Record, name: str, bound: float) -> Gate:
    found = (record.evaluated.get("checks") or {}).get(name, {}).get("after")
    return Gate(
        name=f"{name}, items that fail",
        found=found,
        asked=f"at most {bound:g}",
        holds=found["value"] <= bound if found else None,
        source=_source(found),
        n=_count(found),
    )


def _source(found: Any) -> str:
    return "" if found else "see what was not measured"


def before_after(record: Record) -> dict[str, dict[str, Any]]:
    """Benchmark or bias set → {"before", "after", "worsening" (Metric dumps), "kind", "licence" (and a hub's revisions)}."""
    kinds = {"benchmarks": "forgetting", "bias": "bias"}
    licences, pinned = (record.evaluated.get(key) or {} for key in ("licences", "pinned"))
    stated = {name: {f"revision {task['revision'][:12]}" for task in tasks} for name, tasks in pinned.items()}
    return {
        name: {**row, "kind": kind, "licence": ", ".join([licences.get(name, ""), *sorted(stated.get(name, ()))])}
        for key, kind in kinds.items()
        for name, row in (record.evaluated.get(key) or {}).items()
    }


def test_metrics(record: Record) -> dict[str, Any]:
    """Metric → its dump, of the candidate on the test split."""
    metrics: dict[str, Any] = (record.evaluated.get("evidence") or {}).get("metrics", {})
    return {name: metrics[name] for name in _in_order(record, metrics)}


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


def variants(record: Record) -> list[dict[str, Any]]:
    """Rows of the optimisation table, with what was timed beside what was measured."""
    timed = record.measured.get("optimization", {}).get("variants", {})
    return [{**row, **timed.get(row["variant"], {})} for row in record.results.get("optimization", {}).get("variants", ())]


def parts(record: Record) -> list[tuple[str, str, str, str | None]]:
    """(part, what it is, licence, digest) of the candidate."""
    one = record.candidate
    rows: list[tuple[str, str, str, str | None]] = []
    if one.model:
        rows.append(("base model", f"{one.model.name}, from {one.model.origin}", one.model.licence, one.model.object))
    if one.baseline:
        rows.append(("plain baseline", one.baseline.kind.replace("_", " "), "apache-2.0", one.baseline.object))
    if one.prompt:
        rows.append(("prompt", f"{one.prompt.method}, {len(one.prompt.turns)} turn(s)", "apache-2.0", one.prompt.digest))
    if one.retriever:
        what = f"{one.retriever.scoring}, the best {one.retriever.top_k} in the prompt"
        rows.append(("retriever", what, "apache-2.0", one.retriever.index))
        rows.append(
            ("knowledge base", "passages", "; ".join(record.provenance.get("licences", ())), one.retriever.knowledge)
        )
        if embedder := one.retriever.embedder:
            rows.append(("embedder", f"{embedder.name}, from {embedder.origin}", embedder.licence, embedder.object))
    if one.adapter:
        rows.append(("adapter", f"{one.adapter.technique}, {one.adapter.objective}", "apache-2.0", one.adapter.object))
    return [*rows, ("runtime", f"{one.runtime.engine}, {one.runtime.dtype}", "", None)]


def representation(record: Record) -> list[dict[str, Any]]:
    """Who is in the data before and after each step that drops or labels: {"step", "unit", "before", "after", "groups"}.

    groups: each slice, source and group of people with its count where the step starts anew, `count → count` where it lost
    some, and "" where it lost none.
    """
    shown: list[dict[str, Any]] = []
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


def trainings(record: Record) -> dict[str, dict[str, Any]]:
    """Step that trained → its figures; losses are shown by where they began and ended."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("tuning", "feedback.align"):
        if name in record.results:
            figures = dict(record.measured.get(name, {}).get("training", {}))
            losses = figures.pop("losses", None)
            if losses:
                figures["loss, first and last logged"] = [losses[0], losses[-1]]
            found[name] = figures
    return found


def slice_metrics(record: Record, values: dict[str, Any], most: int = 5) -> list[str]:
    """The metrics of a slice that a reviewer needs first: primary, floors, then the others."""
    return _in_order(record, {name for figures in values.values() for name in figures})[:most]
