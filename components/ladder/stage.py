"""One rung of the ladder: a Candidate on validation in, what it reaches and costs out, and whether it meets the contract.

A rung *meets* the contract when the lower end of its interval reaches `metrics.enough`, no floor is missed, and its single
requests stay within the limits: then no rung above it need be climbed. Answers that the rung's own stage asked for are not
asked again. Not covered: bounds on bias and safety, which are asked of one Candidate, by evaluation.
"""

from collections.abc import Sequence

from pydantic import Field, field_validator

from components.application import Requests, answering, single_requests
from components.core import (
    Candidate,
    Dataset,
    Decision,
    Evidence,
    Frozen,
    Limits,
    Metric,
    Metrics,
    Prices,
    StageResult,
    Step,
    Store,
    Task,
)
from components.measure import measure, missed_floors

from .rungs import wrong


class Config(Frozen):
    """Which rungs are climbed, and how each is measured."""

    rungs: tuple[str, ...] = ("baseline", "zero_shot", "prompting", "retrieval", "tuning", "preference")
    """In this order, until one meets the contract: baseline, zero_shot, prompting, few_shot, retrieval, tuning (or
    tuning.<technique>, of which there may be several), preference."""
    requests: int = Field(4, ge=0)
    """Single requests of each rung that are timed in a fresh process; 0: what a rung costs is not measured, and the limits
    are not asked of it."""
    validation_rows: int | None = Field(None, ge=1)
    """Rows of validation that a rung is measured on; None: all."""

    @field_validator("rungs")
    @classmethod
    def _rungs_in_order(cls, rungs: tuple[str, ...]) -> tuple[str, ...]:
        if reason := wrong(rungs):
            raise ValueError(reason)
        return rungs


class Rung(StageResult):
    """What a rung reaches. `decision`: adopt where it meets the contract."""

    rung: str
    candidate: str
    """Digest."""
    label: str
    evidence: Evidence
    megabytes: float
    """On disk: weights, adapter, index, knowledge base."""


def measure_rung(
    config: Config,
    *,
    rung: str,
    candidate: Candidate,
    task: Task,
    metrics: Metrics,
    limits: Limits,
    prices: Prices,
    dataset: Dataset,
    step: Step,
) -> Rung:
    """Measure `candidate`, which the rung's stage proposes.

    prices: of answers. Seconds, memory, cost and processor seconds of a request are sealed beside the
    result (`step.measured["requests"]`).
    """
    split = dataset.splits["validation"]
    with answering(candidate, step.store, step.machine) as answer:
        evidence = measure(candidate, answer, split, task, step, config.validation_rows)
    requests = None
    if rows := dataset.rows("validation", step.store)[: config.requests]:
        requests = single_requests(candidate, rows, step)
        step.measured["requests"] = {**requests.model_dump(), "cost_per_1000_answers": requests.cost_of_1000(prices)}
    over = _over(requests, requests.cost_of_1000(prices), limits) if requests else []
    return Rung(
        decision=decide(evidence, metrics, over),
        metrics={metrics.primary: evidence.metrics[metrics.primary].value} if metrics.primary in evidence.metrics else {},
        objects=(evidence.table,),
        rung=rung,
        candidate=candidate.digest,
        label=candidate.label,
        evidence=evidence,
        megabytes=megabytes(candidate, step.store),
    )


def decide(evidence: Evidence, metrics: Metrics, over: Sequence[str] = ()) -> Decision:
    """Whether what was measured meets the contract. over: limits that its requests are over, in words."""
    figure = evidence.metrics.get(metrics.primary)
    if figure is None:
        return Decision(verdict="keep", reason=f"no row has a value of {metrics.primary}")
    lines = [*_floors(evidence, metrics), *over]
    shown = _shown(metrics.primary, figure)
    if figure.value < metrics.enough or lines:
        short = [f"{shown}, and {metrics.enough:g} is enough"] if figure.value < metrics.enough else []
        return Decision(verdict="keep", reason="; ".join([*short, *lines]))
    if figure.low is None or figure.low < metrics.enough:
        reason = f"{shown} reaches {metrics.enough:g}, but its interval begins below: {figure.n} rows do not show it"
        return Decision(verdict="not enough evidence", reason=reason)
    return Decision(verdict="adopt", reason=f"{shown}: all of the interval reaches {metrics.enough:g}, which is enough")


def megabytes(candidate: Candidate, store: Store) -> float:
    """Size of every object that `candidate` names, in 10⁶ bytes."""
    files = [path for digest in candidate.objects for path in store.path(digest).rglob("*") if path.is_file()]
    return round(sum(path.stat().st_size for path in files) / 1e6, 3)


def _shown(name: str, figure: Metric) -> str:
    span = f" [{figure.low:.3f}, {figure.high:.3f}]" if figure.low is not None and figure.high is not None else ""
    return f"{name} {figure.value:.3f}{span}"


def _floors(evidence: Evidence, metrics: Metrics) -> list[str]:
    missed = [(name, evidence.metrics.get(name)) for name in missed_floors(evidence, metrics)]
    return [
        f"{name} {f'{found.value:.3f}' if found else 'has no value and'} misses its floor of {metrics.floors[name]:g}"
        for name, found in missed
    ]


def _over(requests: Requests, cost: float, limits: Limits) -> list[str]:
    found = (
        ("seconds of a request (p95)", requests.p95, limits.latency_p95_seconds),
        ("GB of memory", requests.memory_gb, limits.memory_gb),
        ("cost of 1,000 answers", cost, limits.cost_per_1000_answers),
    )
    return [f"{name} {value:.3g} is over the limit of {most:g}" for name, value, most in found if value > most]
