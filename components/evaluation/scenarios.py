"""Scenario × metric, in the manner of HELM (Liang et al. 2022, arXiv:2211.09110): the same items, looked at in several ways.

Of a benchmark: accuracy; calibration (how far the model's sureness is from how often it is right); robustness (accuracy when
the question has typing errors); fairness (accuracy when it is about the other gender); bias of the preference sets (how far
the preference is from one half). Of the use case: its primary metric through the whole application, with its questions as
they are, mistyped, and as a recogniser of speech writes them. Toxicity is a check (checks/), efficiency a timing
(`seconds_an_item`). Not covered: questions from other sources than the use case's own.
"""

from collections.abc import Callable, Sequence
from typing import Any

from components.application import answering
from components.core import Candidate, Evidence, Metric, Row, Split, Step, write_jsonl
from components.measure import examples, interval, measure, of_two_means
from components.measure.intervals import paired, table_metric

from .benchmarks import Scores
from .items import shown_as
from .perturb import spoken, typed_in_haste
from .safety import Checking

Scenario = dict[str, dict[str, Metric]]
"""Metric → {"before", "after"}; `robustness`, `spoken` and `fairness` also have the paired "change" that asking otherwise
makes after tuning."""
BINS = 10
USE_CASE = "the use case"
OTHERWISE: dict[str, Callable[[str, int], str]] = {"robustness": typed_in_haste, "spoken": spoken}
"""Metric → how the use case's own questions are asked for it."""


def scenarios(before: Scores, after: Scores) -> dict[str, Scenario]:
    """Benchmark → metrics of the base model and of the candidate. A set whose figure is a preference has no right answers:
    it has its bias alone."""
    found: dict[str, Scenario] = {}
    for name in before.hits:
        both = {"before": before, "after": after}
        if shown_as(name).centred:
            found[name] = {"bias": {when: _off_centre(interval(scores.hits[name])) for when, scores in both.items()}}
            continue
        found[name] = {
            "accuracy": {when: interval(scores.hits[name]) for when, scores in both.items()},
            "calibration_error": {
                when: calibration_error(scores.hits[name], scores.sure[name]) for when, scores in both.items()
            },
        }
        if name in after.mistyped:
            found[name]["robustness"] = _otherwise(before.mistyped[name], after.mistyped[name], after.hits[name])
        if after.named.get(name):
            found[name]["fairness"] = _otherwise(before.swapped[name], after.swapped[name], after.hits[name])
    return found


def _otherwise(before: Sequence[float], after: Sequence[float], plain: Sequence[float]) -> dict[str, Metric]:
    change = of_two_means(plain, after, lambda one, two: two - one)
    return {"before": interval(before), "after": interval(after), "change": change}


def _off_centre(preference: Metric) -> Metric:
    """How far a preference is from one half; without an interval: a distance has no symmetric one."""
    return Metric(value=round(abs(preference.value - 0.5), 6), n=preference.n)


def own_scenario(candidates: dict[str, tuple[Candidate, Evidence]], asked: Checking, count: int, step: Step) -> Scenario:
    """The use case as a scenario: the primary metric of `candidates` ("before", "after", with what they said on test) on the
    first `count` rows of test, as they are and asked otherwise; each is Evidence of its own in the store."""
    primary = asked.primary
    rows = asked.dataset.rows("test", step.store)[:count]
    ids = {row.id for row in rows}
    plain = {when: [row for row in examples(one, step.store) if row["id"] in ids] for when, (_, one) in candidates.items()}
    found: Scenario = {"accuracy": _figures(plain, primary)}
    for metric, ask in OTHERWISE.items():
        split = _split(metric, [row.model_copy(update={"text": ask(row.text, asked.seed)}) for row in rows], step)
        tables = {}
        for when, (candidate, _) in candidates.items():
            with answering(candidate, step.store, step.machine) as answer:
                tables[when] = examples(measure(candidate, answer, split, asked.task, step), step.store)
        found[metric] = {**_figures(tables, primary), "change": paired(plain["after"], tables["after"], primary).gain}
    return {metric: figures for metric, figures in found.items() if "after" in figures}


def _figures(tables: dict[str, list[dict[str, Any]]], metric: str) -> dict[str, Metric]:
    found = {when: table_metric(table, metric) for when, table in tables.items()}
    return {when: figure for when, figure in found.items() if figure}


def _split(name: str, rows: list[Row], step: Step) -> Split:
    folder = step.scratch / f"test {name}"
    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "rows.jsonl", rows)
    return Split(name=f"test, {name}", object=step.store.put(folder / "rows.jsonl"), count=len(rows))


def calibration_error(hits: Sequence[float], sure: Sequence[float]) -> Metric:
    """Expected calibration error: mean distance between sureness and share of hits over ten bins of equal width, weighted by
    their items (Guo et al. 2017, arXiv:1706.04599). Without an interval: on few items it is biased upwards."""
    bins: dict[int, list[tuple[float, float]]] = {}
    for hit, one in zip(hits, sure, strict=True):
        bins.setdefault(min(int(one * BINS), BINS - 1), []).append((hit, one))
    apart = sum(abs(sum(hit for hit, _ in items) - sum(one for _, one in items)) for items in bins.values())
    return Metric(value=round(apart / len(hits), 6), n=len(hits))
