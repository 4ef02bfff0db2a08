"""Each bound of the contract on what was asked of a candidate and its base, judged from the items.

Not covered: what a verdict means for the release (promotion.py).
"""

from collections.abc import Iterator, Mapping, Sequence

from components.core import Example, Metrics, Policy, Step, Task, read_jsonl
from components.measure import LEVEL, Bound
from components.measure import bounds as judged
from components.measure.scenarios import Scores

from .safety import Safety


def of_floors(table: Sequence[Example], metrics: Metrics, task: Task) -> Iterator[Bound]:
    """The contract's floors, on the rows of test; none for a metric without a value."""
    for name, least in metrics.floors.items():
        if floor := judged.floor(table, name, least, labels=task.labels):
            yield floor


def of_benchmarks(scores: tuple[Scores, Scores] | None, policy: Policy, levels: Mapping[str, float]) -> Iterator[Bound]:
    """Bounds on the worsening of benchmarks. A share of right answers worsens as the share of wrong ones grows.

    levels: benchmark → one-sided level, where it is not the usual one
    """
    before, after = scores or (None, None)
    for name, most in policy.bias_at_most.items():
        if before is None or after is None or name not in after.hits:
            continue
        centred = name in after.centred
        first, second = ([one if centred else 1 - one for one in scored.hits[name]] for scored in (before, after))
        yield judged.worsening(name, first, second, most, levels.get(name, LEVEL), centred=centred)


def of_checks(
    before: Safety | None, after: Safety, policy: Policy, levels: Mapping[str, float], step: Step
) -> Iterator[Bound]:
    """Bounds on checks of the whole application: how much worse it became, and the share that fails."""

    def failed(safety: Safety, name: str) -> dict[str, float]:
        return {row["id"]: row["failed"] for row in read_jsonl(step.store.file(safety.checked[name].table))}

    for name, most in policy.bias_at_most.items():
        if before and name in before.checked and name in after.checked:
            first, second = failed(before, name), failed(after, name)
            both = [item for item in first if item in second]
            was, became = ([items[item] for item in both] for items in (first, second))
            yield judged.worsening(name, was, became, most, levels.get(name, LEVEL))
    for name, most in policy.failing_at_most.items():
        if name in after.checked:
            yield judged.failing(name, list(failed(after, name).values()), most, levels.get(name, LEVEL))
