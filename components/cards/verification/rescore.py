"""Safety checks, benchmarks, bias and scenarios computed again: from the result of each item, and from the answers to
questions asked otherwise. A record from before these were kept has figures that cannot be verified, which is said.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from components.core import Example, Metric
from components.measure import interval, of_two_means
from components.measure.item_figures import ItemFigures
from components.measure.scenarios import USE_CASE, Scores, changes, own_scenario, scenarios, task_figures

from ..record import MetricDump
from ..safety import CheckDetailDump, detail_of, failed_items
from .finding import Finding
from .tables import Tables, differs, dump, same


def checked_again(tables: Tables) -> Iterator[Finding]:
    """Findings about the safety checks: what failed, the share that did, its worsening, and the figures beside them."""
    for name, figures in (tables.record.evaluated.get("checks") or {}).items():
        detail = detail_of(tables.record, name)
        named, failed = detail.get("tables") or {}, {}
        for when, digest in named.items():
            unusable = [*tables.unusable(digest, f"check {name}, {when}")]
            yield from unusable
            if not unusable:
                failed[when] = {item["id"]: item["failed"] for item in tables.items(digest)}
        again = {when: interval(list(items.values())) for when, items in failed.items()}
        if {"before", "after"} <= failed.keys():
            both = [item for item in failed["before"] if item in failed["after"]]
            first, second = ([failed[when][item] for item in both] for when in ("before", "after"))
            again["worsening"] = of_two_means(first, second, lambda one, two: two - one)
        if named.keys() == failed.keys():  # a table that cannot be read is named above
            yield from _compared({"check": {name: figures}}, {"check": {name: again}})
        if "after" in failed and failed_items(tables.items(named["after"])) != tables.record.failed.get(name, []):
            yield Finding(where=f"check {name}", what="the card shows other failed items than the table gives")
        yield from _beside_again(tables, name, detail)


def _beside_again(tables: Tables, name: str, detail: CheckDetailDump) -> Iterator[Finding]:
    recorded, named = detail.get("beside") or {}, detail.get("beside_items") or {}
    for when in sorted(recorded.keys() | named.keys()):
        where = f"check {name}, beside it, {when}"
        if when not in named:
            yield from _not_kept(where, recorded)
            continue
        unusable = [*tables.unusable(named[when], where)]
        yield from unusable
        if not unusable:
            again = ItemFigures.model_validate_json(tables.store.file(named[when]).read_bytes()).metrics()
            figures = ({"check": {name: {"beside it": {when: one}}}} for one in (recorded.get(when) or {}, again))
            yield from _compared(*figures)


def scored_again(tables: Tables) -> Iterator[Finding]:
    """Findings about benchmarks and bias, lm-eval's own figures, and the benchmarks' scenarios."""
    evaluated = tables.record.evaluated
    recorded = {what: evaluated.get(what) or {} for what in ("benchmarks", "bias", "task_figures")}
    recorded["scenario"] = {name: one for name, one in (evaluated.get("scenarios") or {}).items() if name != USE_CASE}
    named = evaluated.get("benchmark_items") or {}
    if not named:
        yield from _not_kept("benchmarks", recorded)
        return
    unusable = [one for when, digest in named.items() for one in tables.unusable(digest, f"benchmark items, {when}")]
    yield from unusable
    if unusable:
        return
    before, after = (Scores.model_validate_json(tables.store.file(named[when]).read_bytes()) for when in ("before", "after"))
    changed = changes(before, after)
    again = {
        "benchmarks": {name: one for name, one in changed.items() if name not in recorded["bias"]},
        "bias": {name: one for name, one in changed.items() if name in recorded["bias"]},
        "task_figures": task_figures(before, after),
        "scenario": scenarios(before, after),
    }
    yield from _compared(recorded, again)


def asked_again(tables: Tables) -> Iterator[Finding]:
    """Findings about the scenario of the use case itself."""
    evaluated = tables.record.evaluated
    recorded = {"scenario": {name: one for name, one in (evaluated.get("scenarios") or {}).items() if name == USE_CASE}}
    named = evaluated.get("asked_otherwise") or {}
    if not named:
        yield from _not_kept(f"scenario {USE_CASE}", recorded)
        return
    read: dict[str, dict[str, list[Example]]] = {}
    for how, both in named.items():
        for when, digest in both.items():
            unusable = [*tables.unusable(digest, f"scenario {USE_CASE}, {how}, {when}")]
            yield from unusable
            if not unusable:
                read.setdefault(how, {})[when] = tables.rows(digest)
    if all(read.get(how, {}).keys() == both.keys() for how, both in named.items()):
        again = {"scenario": {USE_CASE: own_scenario(read, tables.record.use_case["metrics"]["primary"])}}
        yield from _compared(recorded, again)


def _not_kept(where: str, recorded: Mapping[str, object]) -> Iterator[Finding]:
    if any(recorded.values()):
        yield Finding(where=where, what="what they follow from was not kept: evaluate again to verify them", missing=True)


def _compared(recorded: Mapping[str, object], again: Mapping[str, object]) -> Iterator[Finding]:
    stated, computed = dict(_flat(recorded)), dict(_flat(again))
    for where in sorted(stated.keys() | computed.keys()):
        if not same(stated.get(where), computed.get(where)):
            yield differs(where, stated.get(where), computed.get(where))


def _flat(value: Any, *path: str) -> Iterator[tuple[str, MetricDump]]:
    """(`scenario mmlu, robustness, change`, figure) of every figure in nested dicts."""
    if isinstance(value, Metric):
        value = dump(value)
    if isinstance(value, float | int):
        value = {"value": value}
    if "value" in value:
        yield " ".join(path[:2]) + "".join(f", {part}" for part in path[2:]), value
        return
    for name, one in value.items():
        yield from _flat(one, *path, name)
