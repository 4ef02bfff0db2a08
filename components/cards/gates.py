"""The gates of a card: every condition that a release had to meet, what was found, and whether it holds.

Each ends in one word: holds, broken, not shown, or not measured.
"""

from collections.abc import Mapping
from typing import Literal

from components.core import Frozen
from components.measure import LEVEL, Bound

from .figures import before_after, decider, spendings, test_metrics
from .record import MetricDump, Record
from .text import number, share, signed_share

Word = Literal["holds", "broken", "not shown", "not measured"]
SPENT = {"latency_p95_seconds": "latency, p95", "memory_gb": "memory", "cost_per_1000_answers": "cost of 1,000 answers"}
"""Limit of the contract → what it bounds."""
VERDICTS = {"adopt": "Meets the contract", "keep": "Does not meet the contract"}
"""Verdict of the decision → how a card begins; any other is too little evidence."""
SLICES: dict[str, Word] = {"worse": "broken", "not enough evidence": "not shown", "not worse": "holds"}
"""Verdict on a slice → the same in the words of the gates, the worst first."""


class Gate(Frozen):
    """One condition of the contract, what was found, and whether it holds."""

    name: str
    found: object
    """Dump of a Metric, or what a limit's measure came to, in words; None: not measured."""
    asked: str
    verdict: Word
    end: str = ""
    """The value furthest off that the items do not exclude, in words; of bounds alone."""
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
    measured = test_metrics(record)
    table = (record.evaluated.get("evidence") or {}).get("table")
    rows = [_threshold(measured, metrics.get("primary", ""), metrics.get("at_least"), table), _gain_gate(record, table)]
    if lost := record.evaluated.get("lost"):
        judged = next((one for one in bounds(record) if one.key == "worse_at_most"), None)
        rows += [_bound(judged, "loss in optimization", lost["gain"], "", table)] if judged else []
    for name, least in metrics.get("floors", {}).items():
        rows.append(_bound(_judged(record, "floors", name), name, measured.get(name), f"at least {least:g}", table))
    rows += [_slice_gate(record, name, bound, table) for name, bound in metrics.get("slices_worse_at_most", {}).items()]
    rows += [_limit(record, name) for name in SPENT]
    checks = record.evaluated.get("checks") or {}
    changes = {**checks, **before_after(record)}
    for name, most in policy.get("bias_at_most", {}).items():
        worse, asked = changes.get(name, {}).get("worsening"), f"worse by at most {most:g}"
        rows.append(_bound(_judged(record, "bias_at_most", name), f"{name}, worsening", worse, asked))
    for name, most in policy.get("failing_at_most", {}).items():
        failing, asked = checks.get(name, {}).get("after"), f"at most {most:g}"
        rows.append(_bound(_judged(record, "failing_at_most", name), f"{name}, items that fail", failing, asked))
    return rows


def bounds(record: Record) -> list[Bound]:
    """The contract's bounds as the evaluation judged them."""
    return [Bound.model_validate(one) for one in record.evaluated.get("bounds") or ()]


def open_bounds(record: Record) -> list[str]:
    """Each bound that is not shown, in a sentence."""
    return [str(one) for one in bounds(record) if one.verdict == "not shown"]


def first_lines(record: Record) -> list[str]:
    """What a reviewer reads first: the decision, and each bound that is not shown."""
    verdict = VERDICTS.get(record.decision.verdict, "Not enough evidence")
    return [f"**{verdict}**: {record.decision.reason}", *(f"**Not shown**: {one}" for one in open_bounds(record))]


def _judged(record: Record, key: str, name: str) -> Bound | None:
    return next((one for one in bounds(record) if (one.key, one.name) == (key, name)), None)


def _bound(judged: Bound | None, name: str, metric: MetricDump | None, asked: str, table: str | None = None) -> Gate:
    """The gate of one bound. Without a verdict on record, a figure is within its bound and shows nothing, or was not
    measured."""
    if judged is None:
        verdict: Word = "not measured" if metric is None else "not shown"
        source = "see what was not measured" if metric is None else "no interval of it is on record"
        return Gate(name=name, found=metric, asked=asked, verdict=verdict, source=source, n=_count(metric))
    difference = judged.key in ("bias_at_most", "worse_at_most")
    shown = signed_share(judged.end) if difference else share(judged.end)
    return Gate(
        name=name,
        found=metric,
        asked=asked or f"worse by {judged.asked}",
        verdict=judged.verdict,
        end=f"{'down' if judged.key == 'floors' else 'up'} to {shown}",
        evidence=table,
        n=judged.n,
        difference=difference,
    )


def _threshold(measured: Mapping[str, MetricDump], name: str, least: float | None, table: str | None) -> Gate:
    metric = measured.get(name)
    verdict: Word = "not measured"
    if metric is not None and least is not None:
        verdict = "holds" if metric["value"] >= least else "broken"
    asked = f"at least {least:g}" if least is not None else ""
    return Gate(name=name, found=metric, asked=asked, verdict=verdict, evidence=table, n=_count(metric))


def _gain_gate(record: Record, table: str | None) -> Gate:
    gain = record.evaluated.get("gain")
    if not gain:
        return Gate(name="gain over the best reference", found=None, asked="interval above 0", verdict="not measured")
    low, high, least = gain["gain"].get("low"), gain["gain"].get("high"), gain.get("minimum_effect", 0.0)
    p_value, value = gain.get("p_value"), gain["gain"]["value"]
    tested = "" if p_value is None else f"p at most {LEVEL:g}, "
    sure = low is not None and low > 0 and (p_value is None or p_value <= LEVEL)
    none = value <= 0 or (high is not None and high < least)
    return Gate(
        name=f"gain over {gain['over']}",
        asked=f"interval above 0, {tested}gain of {least:g} or more",
        verdict="broken" if none else "holds" if sure and value >= least else "not shown",
        evidence=table,
        **_difference(gain["gain"], p_value),
    )


def _slice_gate(record: Record, name: str, bound: float, table: str | None) -> Gate:
    """The value that comes nearest to being worse than the contract allows; of equals, the one with the lowest gain."""
    values = (record.evaluated.get("slice_gains") or {}).get(name, {})
    nearest = max(values, key=lambda value: (values[value]["p_value"], -values[value]["gain"]["value"]), default=None)
    if nearest is None:
        asked, source = _not_worse(bound), "no reference to compare with"
        return Gate(name=f"gain on each {name}", found=None, asked=asked, verdict="not measured", source=source)
    lowest = min(one["gain"]["value"] for one in values.values()) == values[nearest]["gain"]["value"]
    verdicts = {one["verdict"] for one in values.values()}
    return Gate(
        name=f"gain on each {name}, {'lowest' if lowest else 'least sure'}: {nearest}",
        asked=_not_worse(bound),
        verdict=next(word for verdict, word in SLICES.items() if verdict in verdicts),
        evidence=table,
        **_difference(values[nearest]["gain"], values[nearest]["p_value"]),
    )


def _not_worse(bound: float) -> str:
    return f"surely above -{bound:g} for each" if bound else "surely not worse for each"


def _limit(record: Record, name: str) -> Gate:
    spent, unit = spendings(record)[name]
    allowed = record.use_case.get("limits", {}).get(name)
    verdict: Word = "not measured"
    if spent is not None and allowed is not None:
        verdict = "holds" if spent <= allowed else "broken"
    return Gate(
        name=SPENT[name],
        found=None if spent is None else f"{number(spent)} {unit}".strip(),
        asked=f"at most {allowed:g} {unit}".strip() if allowed is not None else "no limit",
        verdict=verdict,
        n=record.measured.get(decider(record), {}).get("requests", {}).get("n"),
    )


def _difference(gain: MetricDump, p_value: float | None) -> dict[str, object]:
    """Fields of a Gate on a paired difference."""
    return {"found": gain, "n": _count(gain), "p_value": p_value, "difference": True}


def _count(metric: MetricDump | None) -> int | None:
    return metric.get("n") or None if metric else None
