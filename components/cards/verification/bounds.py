"""Judges the contract's bounds again, from the same tables and items as the other figures."""

from collections.abc import Iterator

from components.core import UNOPTIMIZED
from components.measure import Bound, bounds
from components.measure.scenarios import Scores

from ..gates import bounds as recorded
from ..safety import detail_of
from .finding import Finding
from .tables import Tables


def bounded_again(tables: Tables) -> Iterator[Finding]:
    """Findings about bounds: a verdict that the items do not give, and one of the contract that has no verdict although it
    was measured. What a table that cannot be read would say is named with the table."""
    verdicts = recorded(tables.record)
    for one in verdicts:
        again = _again(tables, one)
        if again is None:
            what = "what it follows from is not here, so that it was not judged again"
            yield Finding(where=f"bound on {one.name}", what=what, missing=True)
        elif again != one:
            yield Finding(where=f"bound on {one.name}", what=f"the record says: {one}; the evidence gives: {again}")
    known = {(one.key, one.name) for one in verdicts}
    for key, name in _measured(tables):
        if (key, name) not in known:
            what = f"the contract has it ({key}), it was measured, and the record gives no verdict on it"
            yield Finding(where=f"bound on {name}", what=what)


def _measured(tables: Tables) -> Iterator[tuple[str, str]]:
    """(key, name) of the contract's bounds whose figures the record has."""
    contract, evaluated = tables.record.use_case, tables.record.evaluated
    figures = {**(evaluated.get("benchmarks") or {}), **(evaluated.get("bias") or {}), **(evaluated.get("checks") or {})}
    test = (evaluated.get("evidence") or {}).get("metrics") or {}
    for name in contract.get("metrics", {}).get("floors", {}):
        if name in test:
            yield "floors", name
    policy = contract.get("policy", {})
    for key, figure in (("bias_at_most", "worsening"), ("failing_at_most", "after")):
        for name in policy.get(key, {}):
            if figures.get(name, {}).get(figure):
                yield key, name


def _again(tables: Tables, one: Bound) -> Bound | None:
    if one.key in ("floors", "worse_at_most"):
        return _of_tables(tables, one)
    scores = _scores(tables)
    if scores and one.name in scores[0].hits:
        centred = one.name in scores[1].centred
        was, became = ([hit if centred else 1 - hit for hit in scored.hits[one.name]] for scored in scores)
        return bounds.worsening(one.name, was, became, one.bound, one.level, centred=centred)
    failed = _failed(tables, one.name)
    if one.key == "failing_at_most" and "after" in failed:
        return bounds.failing(one.name, list(failed["after"].values()), one.bound, one.level)
    if {"before", "after"} <= failed.keys():
        both = [item for item in failed["before"] if item in failed["after"]]
        first, second = ([failed[when][item] for item in both] for when in ("before", "after"))
        return bounds.worsening(one.name, first, second, one.bound, one.level)
    return None


def _of_tables(tables: Tables, one: Bound) -> Bound | None:
    evidence, references = tables.record.evaluated.get("evidence"), tables.record.evaluated.get("references")
    own, before = (str((each or {}).get("table", "")) for each in (evidence, (references or {}).get(UNOPTIMIZED)))
    labels = tables.task.labels
    if not _here(tables, own):
        return None
    if one.key == "floors":
        return bounds.floor(tables.rows(own), one.name, one.bound, one.level, labels=labels)
    if not _here(tables, before):
        return None
    return bounds.not_worse(one.name, tables.rows(before), tables.rows(own), one.bound, one.level, labels=labels)


def _scores(tables: Tables) -> tuple[Scores, Scores] | None:
    named = tables.record.evaluated.get("benchmark_items") or {}
    if not {"before", "after"} <= named.keys() or not all(_here(tables, digest) for digest in named.values()):
        return None
    first, second = (Scores.model_validate_json(tables.store.file(named[when]).read_bytes()) for when in ("before", "after"))
    return first, second


def _failed(tables: Tables, name: str) -> dict[str, dict[str, float]]:
    return {
        when: {item["id"]: item["failed"] for item in tables.items(digest)}
        for when, digest in detail_of(tables.record, name).get("tables", {}).items()
        if _here(tables, digest)
    }


def _here(tables: Tables, digest: str | None) -> bool:
    return bool(digest) and not list(tables.unusable(str(digest), ""))
