"""Scenario × metric, in the manner of HELM (Liang et al. 2022, arXiv:2211.09110): the same items, looked at in several ways.

Of HELM's seven metrics: accuracy; calibration (how far the model's sureness is from how often it is right); robustness
(accuracy when the question has typing errors). Fairness and bias are sets of their own (items.py), efficiency is measured on
the use case's own requests. Not covered: toxicity.
"""

from collections.abc import Sequence

from components.core import Metric
from components.measure import interval, of_two_means

from .benchmarks import Scores
from .items import BENCHMARKS

Scenario = dict[str, dict[str, Metric]]
"""Metric → {"before", "after"}; `robustness` also has the paired "change" that typing errors make after tuning."""
BINS = 10


def scenarios(before: Scores, after: Scores) -> dict[str, Scenario]:
    """Benchmark → metrics of the base model and of the candidate. A set whose figure is a preference has no right answers:
    it is left out."""
    found: dict[str, Scenario] = {}
    for name in before.hits:
        if BENCHMARKS[name].centred:
            continue
        both = {"before": before, "after": after}
        found[name] = {
            "accuracy": {when: interval(scores.hits[name]) for when, scores in both.items()},
            "calibration_error": {
                when: calibration_error(scores.hits[name], scores.sure[name]) for when, scores in both.items()
            },
        }
        if name in after.mistyped:
            change = of_two_means(after.hits[name], after.mistyped[name], lambda one, two: two - one)
            found[name]["robustness"] = {
                **{when: interval(scores.mistyped[name]) for when, scores in both.items()},
                "change": change,
            }
    return found


def calibration_error(hits: Sequence[float], sure: Sequence[float]) -> Metric:
    """Expected calibration error: mean distance between sureness and share of hits over ten bins of equal width, weighted by
    their items (Guo et al. 2017, arXiv:1706.04599). Without an interval: on few items it is biased upwards."""
    bins: dict[int, list[tuple[float, float]]] = {}
    for hit, one in zip(hits, sure, strict=True):
        bins.setdefault(min(int(one * BINS), BINS - 1), []).append((hit, one))
    apart = sum(abs(sum(hit for hit, _ in items) - sum(one for _, one in items)) for items in bins.values())
    return Metric(value=round(apart / len(hits), 6), n=len(hits))
