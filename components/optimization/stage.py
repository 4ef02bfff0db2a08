"""Stage 8, optimization: smaller and faster forms of the Candidate beside its torch reference; the contract picks.

A variant must keep the primary metric on validation (recovery = its figure / the reference's; MLPerf's accuracy gate, Reddi
et al. 2020, arXiv:1911.02549) and every floor that the reference reaches; among those, less precision must pay: a variant
is taken for a median request that is clearly shorter (`faster_by`) than that of whatever is more precise. Without that
margin the noise of a clock chose: in one run int4 beat int8 by 2 % and lost 0.076 of f1_answerable on test, int8 0.014. The
test speaks too: what is not shown there to be as good as before, up to `worse_at_most`, is not released (evaluation). The
choice rests on measured seconds,
so two fresh runs may choose differently; within one workspace the timings are kept. Not covered: GPU runtimes, several
techniques on one form.
"""

from dataclasses import dataclass, field

from pydantic import Field, model_validator

from components.application import answering
from components.core import (
    BadInput,
    Candidate,
    Dataset,
    Decision,
    Evidence,
    Frozen,
    Limits,
    Metrics,
    StageResult,
    Step,
    Task,
    progress,
)
from components.measure import compare, measure, missed_floors
from components.training import technique as tuning_technique

from .techniques import TECHNIQUES, Given, settings, technique
from .timing import Timing, megabytes, timing


class Config(Frozen):
    """Settings of optimization."""

    variants: tuple[str, ...] = ("int8", "int4")
    """What to build beside the reference, files of `optimization/techniques`; empty: go on with the candidate at hand. The
    settings of one stand beside this key under its name (`drop_layers: {layers: 2}`)."""
    own: dict[str, dict[str, object]] = {}
    """Variant → its settings, all of them."""
    recovery: float = Field(0.95, ge=0, le=1)
    """Share of the reference's primary metric on validation that a variant must keep."""
    validation_rows: int | None = Field(None, ge=1)
    """Rows of validation; None: all. The same number as the stages before, so that the reference is not measured again."""
    requests: int = Field(12, ge=1)
    """Single requests that are timed."""
    faster_by: float = Field(0.1, ge=0, lt=1)
    """Share of the median request that a variant must save over the reference, and over a more precise variant."""

    @model_validator(mode="before")
    @classmethod
    def _settings_of_the_techniques(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        asked = given.get("variants", cls.model_fields["variants"].default)
        own = {**given.get("own", {}), **{name: given[name] for name in TECHNIQUES if name in given}}
        if unused := sorted(own.keys() - set(asked)):
            raise ValueError(f"key '{unused[0]}' has settings, but 'variants' does not name it")
        try:
            complete = {name: settings(str(name), own.get(name) or {}).model_dump(mode="json") for name in asked}
        except BadInput as error:
            raise ValueError(str(error)) from error
        return {**{key: value for key, value in given.items() if key not in TECHNIQUES}, "own": complete}

    worse_at_most: float = Field(0.05, ge=0, le=1, allow_inf_nan=False)
    """Absolute points of the primary metric by which the test must show that a variant is no worse than the reference: where
    it does not, the reference is released."""


class Optimized(StageResult):
    """`candidate`: the picked one; `variants`: a row each (variant, dtype, candidate, megabytes, figures, recovery, verdict,
    reason). Seconds and tokens a second are in `measured["variants"]`."""

    candidate: Candidate
    worse_at_most: float = 0.05
    """The setting, for the test (evaluation)."""
    variants: tuple[dict[str, object], ...] = ()


def optimize(
    config: Config,
    *,
    task: Task,
    metrics: Metrics,
    limits: Limits,
    candidate: Candidate,
    dataset: Dataset,
    step: Step,
) -> Optimized:
    """Build and measure the variants of `candidate` on validation and pick the fastest that keeps its quality.

    Raises MachineFault when a variant cannot be built.
    """
    reason = _nothing_to_do(config, candidate)
    if reason:
        return Optimized(decision=Decision(verdict="keep", reason=reason), candidate=candidate)
    given = Given(task, dataset)
    built = {
        name: technique(name).build(candidate, settings(name, config.own[name]), given, step)
        for name in progress(_precise_first(config), "building variants")
    }
    board = _Board(config, metrics, limits, step, reference=f"torch {candidate.runtime.dtype}")
    for name, one in progress([(board.reference, candidate), *built.items()], "measuring variants"):
        board.measure(name, one, task, dataset)
    step.measured["variants"] = {name: timed.model_dump() for name, timed in board.timings.items()}
    best = board.best(list(built))
    return Optimized(
        decision=board.decision(best, list(built)),
        candidate=built[best] if best else candidate,
        worse_at_most=config.worse_at_most,
        variants=tuple(board.row(name, best) for name in board.candidates),
        metrics=board.figures(best or board.reference),
        objects=tuple(sorted({*(one.model.object for one in built.values() if one.model), *board.tables})),
        notes=("the choice between variants rests on seconds measured on this machine",),
    )


def _nothing_to_do(config: Config, candidate: Candidate) -> str | None:
    if candidate.model is None:
        return "a plain baseline has no model to optimise"
    if candidate.runtime.engine != "transformers":
        return f"the candidate runs on engine '{candidate.runtime.engine}'; variants are made of engine 'transformers' alone"
    if candidate.runtime.context:
        return "the candidate's runtime.context is engine 'transformers' own, and variants run on others"
    if candidate.adapter and not tuning_technique(candidate.adapter.technique).MERGEABLE:
        return f"what {candidate.adapter.technique} learned cannot become part of a checkpoint, which every variant is"
    return None if config.variants else "no variant is asked for"


def _precise_first(config: Config) -> list[str]:
    return sorted(config.variants, key=lambda name: (-technique(name).BITS, config.variants.index(name)))


@dataclass
class _Board:
    """What was measured of the reference and of each variant, by name."""

    config: Config
    metrics: Metrics
    limits: Limits
    step: Step
    reference: str
    candidates: dict[str, Candidate] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    timings: dict[str, Timing] = field(default_factory=dict)

    def measure(self, name: str, candidate: Candidate, task: Task, dataset: Dataset) -> None:
        """Quality on validation, then seconds on its first rows."""
        step, split = self.step, dataset.splits["validation"]
        with answering(candidate, step.store, step.machine) as answer:
            self.evidence[name] = measure(candidate, answer, split, task, step, self.config.validation_rows)
        rows = dataset.rows("validation", step.store)[: self.config.requests]
        self.timings[name] = timing(candidate, rows, step)
        self.candidates[name] = candidate

    @property
    def tables(self) -> list[str]:
        """Objects with the per-example tables."""
        return [evidence.table for evidence in self.evidence.values()]

    def recovery(self, name: str) -> float:
        """Share of the reference's primary metric; 1 where the reference has nothing to lose."""
        before, after = (self._primary(one) for one in (self.reference, name))
        return round(after / before, 4) if before > 0 else 1.0

    def rejected(self, name: str) -> str | None:
        """Why a variant is not taken; None where it may be."""
        recovery, primary, limit = self.recovery(name), self.metrics.primary, self.limits.latency_p95_seconds
        if recovery < self.config.recovery:
            return f"{name} keeps {recovery:.1%} of {primary}, under the {self.config.recovery:.0%} asked for"
        before = missed_floors(self.evidence[self.reference], self.metrics)
        lost = [floor for floor in missed_floors(self.evidence[name], self.metrics) if floor not in before]
        if lost:
            return f"{name} misses a floor that {self.reference} reaches: {', '.join(lost)}"
        if self.timings[name].p95 > limit:
            return f"{name} exceeds limits.latency_p95_seconds ({limit:g})"
        if not self._faster(name, self.reference):
            return f"{name} keeps {recovery:.1%} of {primary} but {self._slow(name, self.reference)}"
        return None

    def best(self, variants: list[str]) -> str | None:
        """The picked one of `variants` (more precise ones first); None: the reference stays."""
        best = None
        for name in variants:
            if not self.rejected(name) and (best is None or self._faster(name, best)):
                best = name
        return best

    def _faster(self, name: str, than: str) -> bool:
        return self.timings[name].p50 <= (1 - self.config.faster_by) * self.timings[than].p50

    def _passed_over(self, name: str, best: str) -> str:
        return f"{best} is faster" if self._faster(best, name) else f"{self._slow(name, best)}, which is more precise"

    def _slow(self, name: str, than: str) -> str:
        return f"answers not {self.config.faster_by:.0%} faster than {than} here"

    def decision(self, best: str | None, variants: list[str]) -> Decision:
        """`adopt` the picked variant, or `keep` the reference with the reason against each."""
        if best is None:
            return Decision(verdict="keep", reason="; ".join(filter(None, map(self.rejected, variants))))
        before, after = self.evidence[self.reference], self.evidence[best]
        compared = compare(before, after, self.metrics, self.step.store, over=self.reference)
        keeps = f"{best} keeps {self.recovery(best):.1%} of {self.metrics.primary}"
        reason = f"{keeps} on validation and answers at least {self.config.faster_by:.0%} faster than {self.reference} here"
        return Decision(verdict="adopt", reason=reason, comparison=compared.comparison)

    def row(self, name: str, best: str | None) -> dict[str, object]:
        """One row of the table of variants."""
        candidate, rejected = self.candidates[name], None if name == self.reference else self.rejected(name)
        place = {self.reference: "reference", best: "picked"}
        return {
            "variant": name,
            "engine": candidate.runtime.engine,
            "dtype": candidate.runtime.dtype,
            "candidate": candidate.digest,
            "megabytes": megabytes(candidate, self.step.store),
            "figures": {metric: figure.value for metric, figure in self.evidence[name].metrics.items()},
            "evidence": self.evidence[name].digest,
            "recovery": self.recovery(name),
            "verdict": place.get(name, "rejected" if rejected else "slower"),
            "reason": rejected or ("" if name in place else self._passed_over(name, str(best))),
        }

    def figures(self, name: str) -> dict[str, float]:
        """The few figures that the summary shows, of the candidate that goes on."""
        size = megabytes(self.candidates[name], self.step.store)
        return {self.metrics.primary: self._primary(name), "recovery": self.recovery(name), "megabytes": size}

    def _primary(self, name: str) -> float:
        figure = self.evidence[name].metrics.get(self.metrics.primary)
        return figure.value if figure else 0.0
