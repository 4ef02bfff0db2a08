"""The trials of a search among techniques and hyper-parameters: what each one was and came to, and their table for summary
and card."""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from components.core import Frozen, Metric

Dump = Mapping[str, Any]
"""Of a step's result, or of what it measured."""
STEP = "tuning"
"""Begins the name of every step that may search."""


class Trial(Frozen):
    """One trial, in the result of the step that searched. Its seconds are in `measured["trials"]`, by its number."""

    number: int
    technique: str
    settings: dict[str, object]
    """What the search chose: learning_rate, and other keys of `tuning.search.choices`."""
    seed: int
    share: float
    """Of a whole training: how long the last of its trainings was."""
    steps: int
    """Of that training."""
    verdict: str
    """finished, pruned, diverged, out of memory, out of time"""
    reason: str = ""
    figure: Metric | None = None
    """The primary metric on the rows of the search, after its last training."""
    evidence: str | None = None
    """Per-example table of that figure."""


class Figure(TypedDict):
    """The primary metric with its interval."""

    value: float
    low: float | None
    high: float | None
    n: int


class TrialRow(TypedDict):
    """A trial for people and machines. What is absent was not measured."""

    step: str
    number: int
    technique: str
    settings: dict[str, object]
    share: float
    steps: int
    verdict: str
    """As of a Trial; `picked` for the one that was proposed."""
    reason: str
    seconds: NotRequired[float]
    figure: NotRequired[Figure]
    evidence: NotRequired[str]


def trial_rows(results: Mapping[str, Dump], measured: Mapping[str, Dump]) -> list[TrialRow]:
    """The trials of every step that searched, in order.

    results, measured: step → dump of its result, and its figures
    """
    return [
        row
        for step, dump in results.items()
        if step.partition(".")[0] == STEP
        for row in _of(step, dump, {one["number"]: one["seconds"] for one in measured.get(step, {}).get("trials", ())})
    ]


def _of(step: str, dump: Dump, seconds: Mapping[int, float]) -> Iterator[TrialRow]:
    for one in dump.get("trials") or ():
        row: TrialRow = {
            "step": step,
            "number": one["number"],
            "technique": one["technique"],
            "settings": one["settings"],
            "share": one["share"],
            "steps": one["steps"],
            "verdict": "picked" if one["number"] == dump.get("picked") else one["verdict"],
            "reason": one["reason"],
        }
        if one["number"] in seconds:
            row["seconds"] = seconds[one["number"]]
        if found := one["figure"]:
            row["figure"] = {"value": found["value"], "low": found["low"], "high": found["high"], "n": found["n"]}
        if one["evidence"]:
            row["evidence"] = one["evidence"]
        yield row
