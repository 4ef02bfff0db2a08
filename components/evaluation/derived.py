"""Figures of a result that are read off what was measured: nothing is asked here."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from components.core import Comparison, Evidence, Example, Metric, Metrics, Step, Task
from components.core.hub_task import HubTask
from components.measure import METRICS, examples
from components.measure.intervals import table_metric
from components.measure.scenarios import Scores, task_figures

from .hub import fetch_benchmarks
from .items import shown_as


class BenchmarkFields(TypedDict):
    """Fields of Evaluated that benchmarks fill; without benchmarks the first two alone."""

    benchmarks: dict[str, dict[str, Metric]]
    bias: dict[str, dict[str, Metric]]
    licences: NotRequired[dict[str, str]]
    pinned: NotRequired[dict[str, tuple[HubTask, ...]]]
    task_figures: NotRequired[dict[str, dict[str, dict[str, float]]]]


def of_benchmarks(
    scores: tuple[Scores, Scores] | None, changed: dict[str, dict[str, Metric]], step: Step
) -> BenchmarkFields:
    """Fields of Evaluated that benchmarks fill. scores: of the base weights and of the candidate's; changed: `changes` of
    the two."""
    if scores is None:
        return {"benchmarks": {}, "bias": {}}
    before, after = scores
    pinned = fetch_benchmarks(changed, step.workspace)

    def showing(what: str) -> dict[str, dict[str, Metric]]:
        return {name: change for name, change in changed.items() if shown_as(name).shows == what}

    return {
        "benchmarks": showing("forgetting"),
        "bias": showing("bias"),
        "licences": {name: _licence(name, pinned.get(name, ())) for name in changed},
        "pinned": pinned,
        "task_figures": task_figures(before, after),
    }


def _licence(name: str, tasks: Sequence[HubTask]) -> str:
    return " AND ".join(sorted({task.licence for task in tasks})) or shown_as(name).licence


def by_slice(table: list[Example], name: str, task: Task) -> dict[str, dict[str, Metric]]:
    """Value of the slice → metric → figure, over the rows that have the slice."""
    values = sorted({row["slices"][name] for row in table if name in row["slices"]})
    by_value = {}
    for value in values:
        rows = [row for row in table if row["slices"].get(name) == value]
        figures = {metric: table_metric(rows, metric) for metric in METRICS[task.kind]}
        by_value[value] = {metric: figure for metric, figure in figures.items() if figure}
    return by_value


def clean(measured: dict[str, Evidence], suspects: set[str], metrics: Metrics, step: Step) -> dict[str, Metric]:
    """The primary metric of each on the rows that are no suspects; without suspects it is the one on all rows."""
    tables = {name: examples(evidence, step.store) for name, evidence in measured.items()}
    rows = {name: [row for row in table if row["id"] not in suspects] for name, table in tables.items()}
    figures = {name: table_metric(unsuspected, metrics.primary) for name, unsuspected in rows.items()}
    return {name: figure for name, figure in figures.items() if figure}


def headline(evidence: Evidence, metrics: Metrics, gain: Comparison | None) -> dict[str, float]:
    """What a step's line shows: the primary metric, the floors, the gain."""
    names = [name for name in (metrics.primary, *metrics.floors) if name in evidence.metrics]
    return {name: evidence.metrics[name].value for name in names} | ({"gain": gain.gain.value} if gain else {})
