"""Stage 7, evaluation: who goes to the test, and what the test says.

`finalist` chooses on validation; `evaluate` measures on test, which never chooses: once per candidate digest, and every read
is logged in the ledger. Not covered: judges, energy (named in `not_measured`); the card (cards).
"""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from components.application import Requests, answering, single_requests
from components.application.baselines import reads_input
from components.core import (
    UNOPTIMIZED,
    Candidate,
    Comparison,
    Dataset,
    Decision,
    Evidence,
    Example,
    Frozen,
    Ledger,
    Limits,
    Metrics,
    Policy,
    Prices,
    Split,
    Step,
    Task,
    UseCase,
    progress,
    read_jsonl,
)
from components.measure import (
    Bound,
    compare,
    compare_slices,
    compared,
    compared_on,
    examples,
    measure,
    rank,
    shown_in_part,
)
from components.measure.bounds import not_worse
from components.measure.reliability import of_no_answer
from components.measure.scenarios import USE_CASE, Scenario, changes, own_scenario, scenarios

from .base import known, on_base_weights
from .benchmarks import Asked
from .bounds import of_floors
from .checks import CHECKS
from .derived import by_slice, clean, headline, of_benchmarks
from .english import english_parts
from .evaluated import NEVER_MEASURED, Evaluated, Finalist
from .hub import check_names
from .items import BENCHMARKS
from .probes import MeasuredCandidate, Probed, probe
from .promotion import Figures, check_bounds, decide
from .safety import Checking

Count = Annotated[int, Field(ge=0)]
CHAMPION = "champion"
"""The reference that nothing may skip: a release takes its place."""


class Config(Frozen):
    """Settings of evaluation."""

    benchmarks: dict[str, Count] = {
        "mmlu": 48, "boolq": 48, "narratives": 24, "disambiguation": 24, "causal_judgment": 24, "crows_pairs": 48, "bbq": 48,
        "stereoset": 48, "wino": 48,
    }  # fmt: skip
    """Benchmark → items; 0 leaves one out. Packaged samples (items.py), or lm-eval's names of GLUE, SuperGLUE, MMLU and
    BIG-bench (hub.py)."""
    shots: int = Field(0, ge=0)
    """Solved benchmark items before each one that is asked."""
    typos: tuple[str, ...] = ("mmlu",)
    """Benchmarks whose items are asked a second time, with typing errors in the question."""
    swaps: tuple[str, ...] = ("mmlu", "boolq", "narratives", "disambiguation", "causal_judgment")
    """Benchmarks whose items that name a gender are asked a second time, about the other one."""
    otherwise: int = Field(16, ge=0)
    """Rows of test that are asked again with typing errors, and again as spoken."""
    checks: dict[str, Count] = {
        "toxicity": 18, "swaps": 16, "refusal": 12, "over_refusal": 16, "injection": 24, "overlap": 12, "canaries": 9,
        "out_of_domain": 16,
    }  # fmt: skip
    """Safety check of the whole application → items; 0, or no name, leaves one out."""
    looks: int = Field(3, ge=1, le=4)
    """Looks at what the policy bounds, each at twice the items of the one before, until it is settled."""
    items_at_most: int = Field(200, ge=1)
    """Items that a look grows to at most; of toxicity and overlap, each of the two kinds of items."""
    seed: int = 0
    """Draws the items."""
    requests: int = Field(12, ge=1)
    """Single requests that are timed in a fresh process."""
    validation_rows: int | None = Field(None, ge=1)
    """Rows of validation that the finalist is chosen on; None: all."""
    test_rows: int | None = Field(None, ge=1)
    """Rows of test; None: all."""

    @field_validator("checks")
    @classmethod
    def _checks_are_known(cls, checks: dict[str, int]) -> dict[str, int]:
        if unknown := sorted(set(checks) - set(CHECKS)):
            raise ValueError(f"'{unknown[0]}' is not known; allowed: {', '.join(CHECKS)}")
        return checks

    @model_validator(mode="after")
    def _asked_again_are_benchmarks(self) -> "Config":
        allowed = dict.fromkeys((*BENCHMARKS, *self.benchmarks))
        for key, names in (("typos", self.typos), ("swaps", self.swaps)):
            if unknown := [name for name in names if name not in allowed]:
                raise ValueError(f"key '{key}': '{unknown[0]}' is no benchmark; allowed: {', '.join(allowed)}")
        return self


def check_settings(config: Config, contract: UseCase) -> None:
    """Raise BadInput where a benchmark is not known, or the policy bounds one that is left out."""
    check_names(name for name, count in config.benchmarks.items() if count)
    check_bounds(contract.policy, config.benchmarks, config.checks)


def finalist(
    config: Config, *, task: Task, metrics: Metrics, candidates: list[Candidate], dataset: Dataset, step: Step
) -> Finalist:
    """The best of `candidates` (cheapest first, which wins ties) on validation: floors first, then the primary metric."""
    split = dataset.splits["validation"]
    evidence: list[Evidence] = []
    for candidate in progress(candidates, "finalists on validation"):
        with answering(candidate, step.store, step.machine) as answer:
            evidence.append(measure(candidate, answer, split, task, step, config.validation_rows))
    best = max(range(len(candidates)), key=lambda i: (rank(evidence[i], metrics), -i))
    others = [i for i in range(len(candidates)) if candidates[i] != candidates[best]]
    figure = evidence[best].metrics[metrics.primary].value
    reason = f"{candidates[best].label} leads on validation: {metrics.primary} {figure:.3f}"
    comparison = None
    if others:
        second = max(others, key=lambda i: (rank(evidence[i], metrics), -i))
        over = candidates[second].label
        comparison = compare(evidence[second], evidence[best], metrics, step.store, over=over).comparison
        reason += f" against {comparison.before:.3f}, floors first" if comparison else ""
    return Finalist(
        decision=Decision(verdict="adopt" if best == len(candidates) - 1 else "keep", reason=reason, comparison=comparison),
        candidate=candidates[best],
        metrics={metrics.primary: figure},
        objects=tuple(one.table for one in evidence),
    )


def evaluate(
    config: Config,
    *,
    task: Task,
    metrics: Metrics,
    policy: Policy,
    limits: Limits,
    candidate: Candidate,
    references: dict[str, Candidate],
    dataset: Dataset,
    slices: tuple[str, ...],
    prices: Prices | None = None,
    canaries: Split | None = None,
    worse_at_most: float | None = None,
    step: Step,
) -> Evaluated:
    """Measure `candidate` and `references` (name → candidate) on test and decide whether it may be released.

    prices: of answers; None leaves the cost out
    canaries: what was planted in the rows that the candidate was tuned on
    worse_at_most: by how much it may be worse than before optimization; None where nothing was optimised

    Raises BadInput where the policy bounds a benchmark or a check that is unknown or left out, MachineFault where the hub's
    data is not to be had.
    """
    if candidate.model is not None:
        check_bounds(policy, config.benchmarks, config.checks)
    evidence = _on_test(candidate, config, task, dataset, step)
    others = {
        name: _on_test(one, config, task, dataset, step)
        for name, one in progress(list(references.items()), "references on test")
        if one != candidate
    }
    measured = {"this candidate": evidence, **others}
    rivals = _rivals(candidate, references, others, metrics)
    gain = _gain(evidence, rivals, others, metrics, step)
    over = next((name for name in rivals if reads_input(references[name])), "")
    base, no_base = on_base_weights(candidate)
    before = MeasuredCandidate(base, known(base, measured) or _on_test(base, config, task, dataset, step)) if base else None
    probed = probe(
        MeasuredCandidate(candidate, evidence),
        before,
        no_base,
        asked=Asked(rows=config.benchmarks, shots=config.shots, typos=config.typos, swaps=config.swaps, seed=config.seed),
        checking=Checking(
            task=task,
            primary=metrics.primary,
            dataset=dataset,
            counts=config.checks,
            seed=config.seed,
            canaries=canaries,
            trained=candidate.trained,
        ),
        otherwise=config.otherwise,
        policy=policy,
        growth=(config.looks, config.items_at_most),
        step=step,
    )
    changed = changes(*probed.scores) if probed.scores else {}
    requests, cost = _requests(candidate, config, dataset, prices, step)
    table, suspects = examples(evidence, step.store), set(dataset.suspects.get("test", ()))
    on, margins = compared_on(metrics, task.kind), metrics.slices_worse_at_most
    slice_gains = compare_slices(examples(others[over], step.store), table, slices, on, margins) if over else {}
    as_before = _as_before(table, others, metrics, task, worse_at_most, step)
    bounds = (*as_before, *of_floors(table, metrics, task), *probed.bounds)
    figures = Figures(
        evidence=evidence,
        gain=gain,
        bounds=bounds,
        changes={**changed, **probed.checks},
        can_worsen=candidate.model is not None,
        unmeasured={**probed.unmeasured, **probed.no_worsening},
        inapplicable=tuple(probed.inapplicable),
        slices_over=over,
        slice_gains=slice_gains,
        requests=requests,
        cost=cost,
    )
    decision, failed = decide(figures, metrics, policy, limits)
    return Evaluated(
        decision=decision,
        candidate=candidate.digest,
        evidence=evidence,
        references=others,
        slices={name: by_value for name in slices if (by_value := by_slice(table, name, task))},
        **of_benchmarks(probed.scores, changed, step),
        checks=probed.checks,
        check_details=probed.details,
        scenarios=_scenarios(probed, metrics, step),
        benchmark_items=probed.items,
        asked_otherwise=probed.otherwise,
        gain=decision.comparison,
        lost=_lost(table, others, metrics, step),
        gains={name: _over(other, evidence, name, metrics, step) for name, other in others.items()},
        clean=clean(measured, suspects, metrics, step),
        no_answer=of_no_answer(table, candidate.quoted, task.abstain),
        suspects=tuple(row["id"] for row in table if row["id"] in suspects),
        slice_gains=slice_gains,
        slices_over=over,
        bounds=bounds,
        shown_in_part=shown_in_part(evidence, step.store),
        failed=failed,
        not_measured=(
            *probed.lines(),
            *english_parts(task, candidate),
            *(() if cost is not None else ("cost of an answer",)),
            *NEVER_MEASURED,
        ),
        metrics=headline(evidence, metrics, decision.comparison),
        objects=tuple(sorted({*(one.table for one in measured.values()), *probed.objects(before)})),
        notes=failed,
    )


def _on_test(candidate: Candidate, config: Config, task: Task, dataset: Dataset, step: Step) -> Evidence:
    """Evidence on test. The ledger keeps a line for each candidate, split and step that reads it, written first."""
    split = dataset.splits["test"]
    with answering(candidate, step.store, step.machine) as answer:

        def read() -> Evidence:
            return measure(candidate, answer, split, task, step, config.test_rows)

        key = f"test read:{split.object}:{candidate.digest}:{step.key}"
        detail = {"split": split.object, "candidate": candidate.digest, "label": candidate.label, "step": step.key}
        Ledger(step.workspace.ledger).once("test read", key, find=lambda: None, do=lambda: read().digest, detail=detail)
        return read()


def _rivals(
    candidate: Candidate, references: dict[str, Candidate], others: dict[str, Evidence], metrics: Metrics
) -> list[str]:
    """The references that it must beat, the best on the primary metric first. A plain baseline must beat only what is as
    cheap, and the champion: a model that validation passed over is shown, and the test does not choose it."""
    cheap = candidate.model is None
    rivals = [name for name in others if not cheap or name == CHAMPION or references[name].model is None]

    def primary(name: str) -> float:
        figure = others[name].metrics.get(metrics.primary)
        return figure.value if figure else 0.0

    return sorted((name for name in rivals if name != UNOPTIMIZED), key=primary, reverse=True)


def _gain(
    evidence: Evidence, rivals: list[str], others: dict[str, Evidence], metrics: Metrics, step: Step
) -> Decision | None:
    """Compare with the best reference on the primary metric; floors are a condition of their own."""
    floorless = metrics.model_copy(update={"floors": {}})
    return compare(others[rivals[0]], evidence, floorless, step.store, over=rivals[0]) if rivals else None


def _lost(table: list[Example], others: dict[str, Evidence], metrics: Metrics, step: Step) -> Comparison | None:
    """What the same one before optimization was better by."""
    if UNOPTIMIZED not in others:
        return None
    return compared(table, examples(others[UNOPTIMIZED], step.store), metrics.primary, over="this candidate")


def _as_before(
    table: list[Example], others: dict[str, Evidence], metrics: Metrics, task: Task, worse_at_most: float | None, step: Step
) -> list[Bound]:
    """Whether it is as good as the same one before optimization, up to `worse_at_most`; nothing where nothing was."""
    if UNOPTIMIZED not in others or worse_at_most is None:
        return []
    before = examples(others[UNOPTIMIZED], step.store)
    return [not_worse(metrics.primary, before, table, worse_at_most, labels=task.labels)]


def _over(other: Evidence, evidence: Evidence, name: str, metrics: Metrics, step: Step) -> Comparison:
    comparison = compare(other, evidence, metrics, step.store, over=name).comparison
    assert comparison, "a comparison of measured candidates has figures"
    return comparison


def _requests(
    candidate: Candidate, config: Config, dataset: Dataset, prices: Prices | None, step: Step
) -> tuple[Requests, float | None]:
    """Single requests, and what 1,000 answers cost, asked one after another."""
    requests = single_requests(candidate, dataset.rows("test", step.store)[: config.requests], step)
    cost = None if prices is None else requests.cost_of_1000(prices)
    step.measured["requests"] = {**requests.model_dump(), "cost_per_1000_answers": cost}
    return requests, cost


def _scenarios(probed: Probed, metrics: Metrics, step: Step) -> dict[str, Scenario]:
    """The use case first, then the benchmarks."""
    tables = {
        how: {when: read_jsonl(step.store.file(table)) for when, table in both.items()}
        for how, both in probed.otherwise.items()
    }
    own = {USE_CASE: own_scenario(tables, metrics.primary)} if tables else {}
    return {**own, **(scenarios(*probed.scores) if probed.scores else {})}
