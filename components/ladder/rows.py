"""The ladder as a table: a row a rung, from what its steps left, for summary, card and review page."""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from components.core import Frozen

from .rungs import stage_of

STEP = "ladder."
"""Begins the name of the step that measured a rung."""
VERDICTS = {"adopt": "meets", "keep": "does not meet", "not enough evidence": "not shown"}
"""A rung's decision → the word for it."""


class Figure(TypedDict):
    """The primary metric on validation, with its 95 % interval."""

    value: float
    low: float | None
    high: float | None
    n: int


class NotClimbed(Frozen):
    """Why a rung was not climbed, and about how many seconds its stage would take (None: nobody estimated it)."""

    reason: str
    seconds: float | None = None


class RungRow(TypedDict):
    """A rung of a run. What is absent was not measured."""

    rung: str
    stage: str
    verdict: str
    """meets, does not meet, not shown, not climbed"""
    reason: str
    candidate: NotRequired[str]
    """What it is, for people."""
    metric: NotRequired[Figure]
    trained_share: NotRequired[float]
    """Of all weights; 0 where nothing was trained."""
    training_seconds: NotRequired[float]
    latency_p50: NotRequired[float]
    """Seconds of a single request."""
    latency_p95: NotRequired[float]
    memory_gb: NotRequired[float]
    megabytes: NotRequired[float]
    """On disk."""
    cost_per_1000_answers: NotRequired[float]
    processor_seconds: NotRequired[float]
    """Of a single request: with the power of a core, the estimate of its energy."""
    seconds: NotRequired[float]
    """Of one that was not climbed: about what it would take."""


def rows(
    results: Mapping[str, Mapping[str, Any]],
    measured: Mapping[str, Mapping[str, Any]],
    unclimbed: Mapping[str, NotClimbed],
    primary: str,
) -> list[RungRow]:
    """The rungs that were climbed, by what 1,000 answers were measured to cost, then by what training took; then those that
    were not. Where a cost was not measured they stay in the order of climbing.

    results, measured: step → dump of its result, and its figures. primary: the contract's metric
    """
    climbed = [_climbed(name, dump, measured, primary) for name, dump in results.items() if name.startswith(STEP)]
    if all("cost_per_1000_answers" in row for row in climbed):
        climbed.sort(key=_spent)
    return [*climbed, *_above(unclimbed)]


def price(cost: float) -> str:
    """What 1,000 answers cost, for people: two digits, and none of them where it is next to nothing."""
    return f"{cost:.2g}" if cost >= 0.001 else "under 0.001"


def _spent(row: RungRow) -> tuple[float, float]:
    """What a rung costs: two digits of its price, since a few requests tell no more, then seconds of training."""
    return float(f"{row['cost_per_1000_answers']:.1e}"), row.get("training_seconds", 0.0)


def _climbed(name: str, dump: Mapping[str, Any], measured: Mapping[str, Mapping[str, Any]], primary: str) -> RungRow:
    rung, decision = dump["rung"], dump["decision"]
    row: RungRow = {
        "rung": rung,
        "stage": stage_of(rung),
        "verdict": VERDICTS[decision["verdict"]],
        "reason": decision["reason"],
        "candidate": dump["label"],
        "trained_share": 0.0,
        "megabytes": dump["megabytes"],
    }
    if requests := measured[name].get("requests"):
        row |= {
            "latency_p50": requests["p50"],
            "latency_p95": requests["p95"],
            "memory_gb": requests["memory_gb"],
            "cost_per_1000_answers": round(requests["cost_per_1000_answers"], 6),
            "processor_seconds": requests["processor"],
        }
    if figure := dump["evidence"]["metrics"].get(primary):
        row["metric"] = {"value": figure["value"], "low": figure["low"], "high": figure["high"], "n": figure["n"]}
    if training := measured.get(_trainer(rung), {}).get("training"):
        row["trained_share"] = training["trained_share"]
        row["training_seconds"] = round(training["seconds"] + training["frozen_layers_seconds"], 1)
    return row


def _above(unclimbed: Mapping[str, NotClimbed]) -> Iterator[RungRow]:
    for rung, why in unclimbed.items():
        row: RungRow = {"rung": rung, "stage": stage_of(rung), "verdict": "not climbed", "reason": why.reason}
        if (seconds := why.seconds) is not None:
            row["seconds"] = seconds
        yield row


def _trainer(rung: str) -> str:
    """The step that trained what a rung proposes; for a rung without training, one that there is not."""
    return "feedback.align" if rung == "preference" else rung if stage_of(rung) == "tuning" else ""
