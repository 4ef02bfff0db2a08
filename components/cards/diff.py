"""What changed between two cards: decision, figures, data, model, licences, settings, in words and as rows."""

from collections.abc import Mapping

from .figures import parts, test_metrics
from .record import MetricDump, Record
from .text import figure, plain

Row = dict[str, str]
"""{"what", "before", "after", "change"}"""


def diff(before: Record, after: Record) -> dict[str, list[str] | list[Row]]:
    """{"words": sentences, "decision" | "figures" | "model" | "data" | "settings" | "environment": rows that differ}."""
    changed = {
        "decision": _plain(_decision(before), _decision(after)),
        "figures": _figures(before, after),
        "model": _plain(_model(before), _model(after)),
        "data": _plain(_data(before), _data(after)),
        "settings": _plain(_settings(before), _settings(after)),
        "environment": _plain(before.environment, after.environment),
    }
    return {"words": _words(before, after, changed), **changed}


def _figures(before: Record, after: Record) -> list[Row]:
    """Metrics on test. Intervals that do not overlap are called apart; those that do settle nothing by themselves: where the
    test split is the same, a paired comparison says more."""
    first, second = test_metrics(before), test_metrics(after)
    rows = []
    for name in dict.fromkeys((*first, *second)):
        one, two = first.get(name), second.get(name)
        if one == two:
            continue
        rows.append({"what": name, "before": figure(one), "after": figure(two), "change": _change(one, two)})
    return rows


def _change(one: MetricDump | None, two: MetricDump | None) -> str:
    if one is None or two is None:
        return "only measured in one of them"
    change = f"{two['value'] - one['value']:+.3f}"
    (low, high), (other_low, other_high) = ((side.get("low"), side.get("high")) for side in (one, two))
    if low is None or high is None or other_low is None or other_high is None:
        return f"{change}, no interval"
    return f"{change}, intervals {'apart' if high < other_low or other_high < low else 'overlap'}"


def _plain(before: Mapping[str, object], after: Mapping[str, object]) -> list[Row]:
    rows = []
    for name in dict.fromkeys((*before, *after)):
        one, two = (plain(side[name]) if name in side else "not there" for side in (before, after))
        if one != two:
            rows.append({"what": name, "before": one, "after": two, "change": ""})
    return rows


def _decision(record: Record) -> dict[str, str]:
    return {
        "verdict": record.decision.verdict,
        "reason": record.decision.reason,
        "version": f"{record.model['name']} {record.model['version']}" if record.model else "none",
        "approved by": record.approval["by"] if record.approval else "nobody",
        "candidate": record.candidate.digest[:12],
    }


def _model(record: Record) -> dict[str, str]:
    facts = {}
    for part, what, licence, digest in parts(record):
        facts[part] = f"{what} ({(digest or 'no object')[:12]})"
        facts[f"{part}, licence"] = licence or "of its packages"
    return facts


def _data(record: Record) -> dict[str, str]:
    facts = {}
    for source in record.provenance.get("sources", ()):
        facts[f"source {source['name']}"] = f"{source['read']:,} rows read ({source['sha256'][:12]})"
        facts[f"source {source['name']}, licence"] = source["licence"]
    for name, split in (record.provenance.get("splits") or {}).items():
        facts[f"split {name}"] = f"{split['count']:,} rows ({split['object'][:12]})"
    return facts


def _settings(record: Record) -> dict[str, object]:
    settings = {f"{step}.{key}": value for step, given in record.settings.items() for key, value in given.items()}
    contract = {key: value for key, value in record.use_case.items() if key in ("metrics", "limits", "policy", "task")}
    return {**settings, **{f"contract {part}.{key}": one for part, inner in contract.items() for key, one in inner.items()}}


def _words(before: Record, after: Record, rows: Mapping[str, list[Row]]) -> list[str]:
    names = [f"{one.use_case['name']} {_name(one)}" for one in (before, after)]
    sentences = [f"From {names[0]} to {names[1]}."]
    if before.candidate.digest == after.candidate.digest:
        sentences.append("The candidate is the same, digest for digest.")
    one, two = before.decision.verdict, after.decision.verdict
    sentences.append(f"The decision stays {one}." if one == two else f"The decision goes from {one} to {two}.")
    primary = after.use_case["metrics"]["primary"]
    row = next((row for row in rows["figures"] if row["what"] == primary), None)
    sentences.append(f"{primary}: {row['before']} → {row['after']} ({row['change']})." if row else f"{primary} is the same.")
    counted = {part: len(rows[part]) for part in ("figures", "model", "data", "settings", "environment")}
    changed = ", ".join(f"{count} in {part}" for part, count in counted.items() if count)
    sentences.append(f"Rows that differ: {changed}." if changed else "Nothing else differs.")
    if any("licence" in row["what"] for row in (*rows["model"], *rows["data"])):
        sentences.append("A licence changed: read the rows on model and data.")
    if any(row["what"] == "split test" for row in rows["data"]):
        sentences.append("The test split changed: figures of the two are not of the same rows.")
    return sentences


def _name(record: Record) -> str:
    return f"version {record.model['version']}" if record.model else "draft"
