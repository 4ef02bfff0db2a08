"""Benchmarks and scenarios as figures: what follows from per-item results, so that a card's reviewer can compute it again.

Scenario × metric, in the manner of HELM (Liang et al. 2022, arXiv:2211.09110): the same items, looked at in several ways.
Of a benchmark: accuracy; calibration (how far the model's sureness is from how often it is right); robustness (accuracy when
the question has typing errors); fairness (of the items that name a gender: accuracy when they are about the other one); bias
of the preference sets (how far the preference is from one half). Of the use case: its primary metric through the whole
application, asked as it is and otherwise. Nothing is asked here. Not covered: toxicity and questions from elsewhere (checks
of evaluation), seconds.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import Example, Frozen, Metric

from .intervals import interval, of_two_means, paired, table_metric

if TYPE_CHECKING:
    import numpy as np

Scenario = dict[str, dict[str, Metric]]
"""Metric → {"before", "after"}; `robustness`, `spoken` and `fairness` also have the paired "change" that asking otherwise
makes after tuning."""
BINS = 10
USE_CASE = "the use case"
"""The scenario that is no benchmark."""


class Scores(Frozen):
    """Per-item results of one model, in the items' order."""

    hits: dict[str, tuple[float, ...]]
    """Benchmark → 1 where the right choice is the likeliest, else 0."""
    sure: dict[str, tuple[float, ...]] = {}
    """Benchmark → probability of the likeliest choice among the choices: what `hits` is held against in calibration."""
    mistyped: dict[str, tuple[float, ...]] = {}
    """Benchmark → `hits` of the same items with typing errors in the question."""
    swapped: dict[str, tuple[float, ...]] = {}
    """Benchmark → `hits` of the same items about the other gender; an item that names none keeps its own."""
    named: dict[str, tuple[int, ...] | int] = {}
    """Benchmark → places of the items of `swapped` that name a gender; older records hold only how many there are."""
    centred: tuple[str, ...] = ()
    """Benchmarks whose figure is a preference, best at one half, and not a share of right answers."""
    figures: dict[str, dict[str, float]] = {}
    """Task of the hub → lm-eval's own metrics over its items, by lm-eval's name (`acc`, `f1`, `mcc`)."""


def changes(before: Scores, after: Scores) -> dict[str, dict[str, Metric]]:
    """Benchmark → {"before", "after", "worsening"}: means with 95 % intervals; the worsening is paired over the items, and
    of a preference it is how much further it lies from one half."""
    figures = {}
    for name, first in before.hits.items():
        second = after.hits[name]
        change = of_two_means(first, second, _off_centre_by if name in after.centred else _less)
        figures[name] = {"before": interval(first), "after": interval(second), "worsening": change}
    return figures


def task_figures(before: Scores, after: Scores) -> dict[str, dict[str, dict[str, float]]]:
    """Task of the hub → lm-eval's own metric → before, after."""
    return {
        task: {metric: {"before": value, "after": after.figures[task][metric]} for metric, value in figures.items()}
        for task, figures in before.figures.items()
    }


def scenarios(before: Scores, after: Scores) -> dict[str, Scenario]:
    """Benchmark → metrics of the base model and of the candidate. A set whose figure is a preference has no right answers:
    it has its bias alone."""
    by_name: dict[str, Scenario] = {}
    for name in before.hits:
        both = {"before": before, "after": after}
        if name in after.centred:
            by_name[name] = {"bias": {when: _off_centre(interval(scores.hits[name])) for when, scores in both.items()}}
            continue
        by_name[name] = {
            "accuracy": {when: interval(scores.hits[name]) for when, scores in both.items()},
            "calibration_error": {
                when: calibration_error(scores.hits[name], scores.sure[name]) for when, scores in both.items()
            },
        }
        if name in after.mistyped:
            by_name[name]["robustness"] = _otherwise(before.mistyped[name], after.mistyped[name], after.hits[name])
        if named := after.named.get(name):
            places = range(len(after.hits[name])) if isinstance(named, int) else named
            asked = ([one[i] for i in places] for one in (before.swapped[name], after.swapped[name], after.hits[name]))
            by_name[name]["fairness"] = _otherwise(*asked)
    return by_name


def own_scenario(tables: dict[str, dict[str, list[Example]]], metric: str) -> Scenario:
    """The use case as a scenario, by the contract's `metric`.

    tables: way of asking → "before", "after" → per-example table; `accuracy` is of the questions as they are, of which only
    the rows that were asked again count
    """
    otherwise = {how: both for how, both in tables.items() if how != "accuracy"}
    again = {row["id"] for both in otherwise.values() for row in both["after"]}
    same = {when: [row for row in table if row["id"] in again] for when, table in tables["accuracy"].items()}
    scenario: Scenario = {"accuracy": _figures(same, metric)}
    for how, both in otherwise.items():
        scenario[how] = {**_figures(both, metric), "change": paired(same["after"], both["after"], metric).gain}
    return {how: figures for how, figures in scenario.items() if "after" in figures}


def calibration_error(hits: Sequence[float], sure: Sequence[float]) -> Metric:
    """Expected calibration error: mean distance between sureness and share of hits over ten bins of equal width, weighted by
    their items (Guo et al. 2017, arXiv:1706.04599). Without an interval: on few items it is biased upwards."""
    bins: dict[int, list[tuple[float, float]]] = {}
    for hit, one in zip(hits, sure, strict=True):
        bins.setdefault(min(int(one * BINS), BINS - 1), []).append((hit, one))
    apart = sum(abs(sum(hit for hit, _ in items) - sum(one for _, one in items)) for items in bins.values())
    return Metric(value=round(apart / len(hits), 6), n=len(hits))


def _less(before: "np.ndarray", after: "np.ndarray") -> "np.ndarray":
    return before - after


def _off_centre_by(before: "np.ndarray", after: "np.ndarray") -> "np.ndarray":
    return abs(after - 0.5) - abs(before - 0.5)


def _otherwise(before: Sequence[float], after: Sequence[float], plain: Sequence[float]) -> dict[str, Metric]:
    change = of_two_means(plain, after, lambda one, two: two - one)
    return {"before": interval(before), "after": interval(after), "change": change}


def _off_centre(preference: Metric) -> Metric:
    """How far a preference is from one half; without an interval: a distance has no symmetric one."""
    return Metric(value=round(abs(preference.value - 0.5), 6), n=preference.n)


def _figures(tables: dict[str, list[Example]], metric: str) -> dict[str, Metric]:
    figures = {when: table_metric(table, metric) for when, table in tables.items()}
    return {when: figure for when, figure in figures.items() if figure}
