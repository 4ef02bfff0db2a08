"""What templates and plots need, worked out from a Record: gates, tables, risks. No text is escaped here."""

from collections.abc import Iterable
from typing import Any

from components.core import Comparison, Frozen
from components.measure import LEVEL, significant

from .record import Record

FAMILIAR = ("f1", "exact_match", "accuracy", "macro_f1", "rouge_l", "abstention_precision", "hit@1", "hit@5", "mrr")
DECIDED = ("evaluation", "optimization.evaluate")
"""Steps that measure on test: before optimization, and after it."""


class Gate(Frozen):
    """One condition of the contract, what was found, and whether it holds (None: not measured)."""

    name: str
    found: Any
    asked: str
    holds: bool | None
    evidence: str | None = None
    """Digest of the per-example table behind it."""
    source: str = ""
    """Where it comes from, when that is no table."""


def gates(record: Record) -> list[Gate]:
    """Every condition that the release had to meet, in the order in which a reviewer asks."""
    metrics, limits, policy = (record.use_case.get(name, {}) for name in ("metrics", "limits", "policy"))
    found = test_metrics(record)
    table = (record.evaluated.get("evidence") or {}).get("table")
    primary = metrics.get("primary", "")
    rows = [_at_least(found, primary, metrics.get("at_least"), table)]
    gain = record.evaluated.get("gain")
    if gain:
        low, least = gain["gain"].get("low"), gain.get("minimum_effect", 0.0)
        p_value = gain.get("p_value")
        tested = "" if p_value is None else f"p at most {LEVEL:g}, "
        asked = f"interval above 0, {tested}gain of {least:g} or more"
        sure = low is not None and low > 0 and (p_value is None or p_value <= LEVEL)
        holds = None if low is None else sure and gain["gain"]["value"] >= least
        rows.append(Gate(name=f"gain over {gain['over']}", found=gain["gain"], asked=asked, holds=holds, evidence=table))
    else:
        rows.append(Gate(name="gain over the best reference", found=None, asked="interval above 0", holds=None))
    if record.evaluated.get("lost"):
        lost = Comparison.model_validate(record.evaluated["lost"])
        asked = f"no sure loss: interval not above 0, or p over {LEVEL:g}"
        held = not significant(lost)
        gain = lost.gain.model_dump()
        rows.append(Gate(name="loss in optimization", found=gain, asked=asked, holds=held, evidence=table))
    rows += [_at_least(found, name, floor, table) for name, floor in metrics.get("floors", {}).items()]
    rows += [_slice_gate(record, name, bound, table) for name, bound in metrics.get("slices_worse_at_most", {}).items()]
    for name, (spent, unit) in spendings(record).items():
        allowed = limits.get(name)
        holds = None if spent is None or allowed is None else spent <= allowed
        rows.append(
            Gate(
                name=name.replace("_", " "),
                found=spent,
                asked=f"at most {allowed:g} {unit}".strip() if allowed is not None else "no limit",
                holds=holds,
                source="single requests, this machine",
            )
        )
    rows += [_worsening(record, name, bound) for name, bound in _bounds(record).items()]
    return rows + [_failing(record, name, bound) for name, bound in policy.get("failing_at_most", {}).items()]


def _at_least(found: dict[str, Any], name: str, least: float | None, table: str | None) -> Gate:
    metric = found.get(name)
    holds = None if metric is None or least is None else metric["value"] >= least
    return Gate(
        name=name, found=metric, asked=f"at least {least:g}" if least is not None else "", holds=holds, evidence=table
    )


def _slice_gate(record: Record, name: str, bound: float, table: str | None) -> Gate:
    """The value that comes nearest to being worse than the contract allows."""
    values = (record.evaluated.get("slice_gains") or {}).get(name, {})
    worst = max(values, key=lambda value: values[value]["p_value"], default=None)
    return Gate(
        name=f"slice {name}, worst: {worst}" if worst else f"slice {name}",
        found=values[worst]["gain"] if worst else None,
        asked=f"each value surely worse by less than {bound:g}",
        holds=all(one["verdict"] == "not worse" for one in values.values()) if values else None,
        evidence=table if values else None,
        source="" if values else "no reference to compare with",
    )


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
        source=_source(found, "the same items" if name in checks else "lm-eval, the same items"),
    )


def _failing(record: Record, name: str, bound: float) -> Gate:
    found = (record.evaluated.get("checks") or {}).get(name, {}).get("after")
    return Gate(
        name=f"{name}, items that fail",
        found=found,
        asked=f"at most {bound:g}",
        holds=found["value"] <= bound if found else None,
        source=_source(found, "a check of the whole application"),
    )


def _source(found: Any, said: str) -> str:
    return said if found else "see what was not measured"


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
        what = f"{one.retriever.mode}, the best {one.retriever.top_k} in the prompt"
        rows.append(("retriever", what, "apache-2.0", one.retriever.index))
        rows.append(
            ("knowledge base", "passages", "; ".join(record.provenance.get("licences", ())), one.retriever.knowledge)
        )
        if embedder := one.retriever.embedder:
            rows.append(("embedder", f"{embedder.name}, from {embedder.origin}", embedder.licence, embedder.object))
    if one.adapter:
        rows.append(("adapter", f"LoRA, {one.adapter.method}", "apache-2.0", one.adapter.object))
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


def risks(record: Record) -> list[str]:
    """Risks that follow from what was measured, each with its figure; no claim without one."""
    found, said = test_metrics(record), []

    def say(metric: str, text: str, value: Any) -> None:
        if metric in found:
            said.append(text.format(value(found[metric]["value"])))

    say(
        "abstention_recall",
        "Of the questions that have no answer, {:.0%} are answered all the same.",
        lambda value: 1 - value,
    )
    say(
        "abstention_precision",
        "When it declines to answer, {:.0%} of the time there was an answer.",
        lambda value: 1 - value,
    )
    say("exact_match", "{:.0%} of all answers differ from the reference in at least one word.", lambda value: 1 - value)
    say("hit@1", "For {:.0%} of the questions the passage shown first is not the right one.", lambda value: 1 - value)
    say("accuracy", "{:.0%} of the texts get the wrong label.", lambda value: 1 - value)
    worst = _worst_slice(record)
    if worst:
        said.append(worst)
    if any((result.get("counts") or {}).get("simulated") for result in record.results.values()):
        said.append("Feedback was simulated from references: it says nothing yet about what callers think.")
    if record.evaluated.get("benchmarks") or record.evaluated.get("bias"):
        said.append("Benchmarks and bias sets are samples: differences smaller than their intervals are not seen.")
    return said


def slice_metrics(record: Record, values: dict[str, Any], most: int = 5) -> list[str]:
    """The metrics of a slice that a reviewer needs first: primary, floors, then the others."""
    return _in_order(record, {name for figures in values.values() for name in figures})[:most]


def _worst_slice(record: Record) -> str | None:
    primary = record.use_case.get("metrics", {}).get("primary", "")
    rows = [
        (metrics[primary]["value"], f"{name} = {value}", metrics[primary].get("n", 0))
        for name, values in (record.evaluated.get("slices") or {}).items()
        for value, metrics in values.items()
        if primary in metrics and metrics[primary].get("n", 0) >= 10
    ]
    if len(rows) < 2:
        return None
    value, name, n = min(rows)
    return f"It is weakest on {name}: {primary} {value:.3f} on {n} examples."
