"""Stage 2, selection: hard filters over the catalogue, then a measured bake-off of what can run here and a plain baseline.

A model enters with a basic prompt and, where there is a knowledge base, BM25's best passage: later stages start from that.
The decision says which leads; whether one already meets the contract, so that no later rung need be climbed, the ladder
says. Not covered: prompts (prompting), latency and cost (optimization, evaluation).
"""

import time
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from components.application import answering, checkpoint
from components.application.context import refused
from components.core import (
    Candidate,
    Checkpoint,
    Context,
    Dataset,
    Decision,
    Derivation,
    Evidence,
    Frozen,
    Limits,
    Metrics,
    Policy,
    Prompt,
    PromptTurn,
    Quoted,
    Retriever,
    Runtime,
    StageResult,
    Step,
    Task,
    progress,
)
from components.measure import compare, measure, note_of_cut, rank
from components.tasks import kept, kind_of, tokens_of

from . import baselines
from .catalogue import CATALOGUE, Model
from .filters import Need, engine_for, names_of_labels, rejection
from .references import learned_nothing

MONTH = 30 * 24 * 3600
"""Seconds."""
MADE = Model(
    name="two-layer", source="made:two-layer", licence="apache-2.0", parameters=200_000, context=2048, languages=("en",)
)


class Config(Frozen):
    """Settings of selection."""

    models: tuple[str, ...] | None = None
    """Names in the catalogue to consider; None: all of them."""
    more: tuple[Model, ...] = ()
    """Models of one's own, with the catalogue's fields (`source: hub:<id>@<revision>` or `folder:<path>`)."""
    made: bool = False
    """Use a two-layer model with random weights in place of the catalogue: to try the machinery, not to get answers."""
    hub: bool = False
    """Whether models may be fetched from a model hub."""
    endpoints: dict[str, str] = {}
    """Model name → URL of an OpenAI-compatible server that has it; only where the policy allows hosted models."""
    fixed_answers: dict[str, dict[str, str]] = {}
    """Model behind an endpoint → fixed question → its answer, by which a changed model is noticed; a run asks for them and
    puts them here before anything is keyed."""
    dtype: Literal["measured", "float32", "bfloat16", "float16"] = "measured"
    """What models run and are tuned in. measured: what this machine is fast in (core/rates.py), which a run puts here before
    anything is keyed; float32 where nobody did."""
    context_tokens: int = Field(1024, ge=1)
    """Tokens that a prompt with its context may need."""
    context: Context | None = None
    """How far models read (engine `transformers` alone): then prompts show texts whole, up to this length, where otherwise
    they show the first 384 words beside a question and 1,024 of an input. None: so."""
    max_new_tokens: int | None = Field(None, ge=1)
    """Longest answer of the basic prompt; None: as its kind of task has it."""
    validation_rows: int | None = Field(None, ge=1)
    """Rows of validation in the bake-off; None: all."""
    busy_share: float = Field(0.5, gt=0, le=1)
    """Share of a month that this machine may spend on `value.answers_per_month`; the rest is for busy hours."""
    calibration_rows: int | None = Field(None, ge=1)
    """Training rows that the plain baseline is fitted on; None: all."""

    @property
    def known(self) -> dict[str, Model]:
        """Every model that may be named: the catalogue's and one's own."""
        return {model.name: model for model in (*CATALOGUE, *self.more)}

    @property
    def asked(self) -> tuple[Model, ...]:
        """The models to consider."""
        return (MADE,) if self.made else tuple(self.known[name] for name in self.models or self.known)

    @model_validator(mode="after")
    def _models_are_known(self) -> "Config":
        for key, names in (("models", self.models or ()), ("endpoints", tuple(self.endpoints))):
            if unknown := [name for name in names if name not in self.known]:
                raise ValueError(
                    f"key '{key}': model '{unknown[0]}' is not known; allowed: {', '.join(sorted(self.known))}. "
                    "Add one of your own under selection.more"
                )
        return self


class Selection(StageResult):
    """`plain`: the plain baseline; `model`: the best that can run here, or None."""

    plain: Candidate
    references: dict[str, Candidate] = {}
    """What else a release must beat: candidates that learned nothing but the answers' frequencies (references.py)."""
    model: Candidate | None
    rejected: dict[str, str]
    """Model name → every reason against it."""
    considered: tuple[dict[str, object], ...]
    """A row each: name, licence, parameters, memory_gb, verdict, reason, figures on validation."""


def select(
    config: Config,
    *,
    task: Task,
    policy: Policy,
    limits: Limits,
    metrics: Metrics,
    dataset: Dataset,
    answers_per_month: float = 0,
    step: Step,
) -> Selection:
    """Filter the catalogue, measure what is left and the plain baseline on validation, and say which leads.

    A model that could not give `answers_per_month` on this machine is measured and not chosen.

    Raises MachineFault when a checkpoint cannot be fetched.
    """
    if config.dtype == "measured":
        config = config.model_copy(update={"dtype": "float32"})
    models = config.asked
    rejected = rejections(config, task, policy, limits)
    plain = baselines.fit(task, metrics, dataset, config.calibration_rows, step)
    running = {model.name: _candidate(model, config, task, dataset, step) for model in models if model.name not in rejected}
    short = {name: reason for name, one in running.items() if (reason := refused(one, step.store, step.machine))}
    rejected, running = rejected | short, {name: one for name, one in running.items() if name not in short}
    measured, seconds = _bake_off([plain, *running.values()], config, task, dataset, step)
    step.measured["seconds_an_answer"] = {digest: round(one, 4) for digest, one in seconds.items()}
    slow = {
        name: reason
        for name, one in running.items()
        if (reason := _too_slow(one, seconds[one.digest], answers_per_month, config))
    }
    notes = [
        *(f"{name} rejected: {reason}" for name, reason in rejected.items()),
        *(line for one in running.values() for line in note_of_cut(one.label, measured[one.digest], step.store)),
        *(f"{name} is not chosen: {reason}" for name, reason in slow.items()),
    ]

    fast = [candidate for name, candidate in running.items() if name not in slow]
    best = max(fast, key=lambda candidate: rank(measured[candidate.digest], metrics), default=None)
    decision = _decide(plain, best, measured, rejected | slow, metrics, step)
    return Selection(
        decision=decision,
        metrics=_figures(measured, plain, best, metrics),
        objects=tuple(sorted({evidence.table for evidence in measured.values()})),
        notes=tuple(notes),
        plain=plain,
        references=learned_nothing(task, dataset, step),
        model=best,
        rejected=rejected,
        considered=_rows(models, plain, running, rejected | slow, measured, best, config),
    )


def _bake_off(
    candidates: Sequence[Candidate], config: Config, task: Task, dataset: Dataset, step: Step
) -> tuple[dict[str, Evidence], dict[str, float]]:
    """(evidence by digest, seconds of an answer in batches by digest)"""
    split = dataset.splits["validation"]
    rows = min(config.validation_rows or split.count, split.count)
    measured, seconds = {}, {}
    for candidate in progress(list(candidates), "bake-off on validation"):
        with answering(candidate, step.store, step.machine) as answer:
            _, started = answer.application, time.perf_counter()  # loading is no part of the seconds
            measured[candidate.digest] = measure(candidate, answer, split, task, step, config.validation_rows)
            seconds[candidate.digest] = (time.perf_counter() - started) / rows
    return measured, seconds


def _too_slow(candidate: Candidate, seconds: float, per_month: float, config: Config) -> str:
    """Why the machine could not give so many answers a month; empty where it could. seconds: of one, in batches."""
    if candidate.runtime.engine == "openai":
        return ""  # its server answers several at once
    possible = config.busy_share * MONTH / seconds if seconds else per_month
    if possible >= per_month:
        return ""
    return (
        f"{seconds:.2g} s an answer here are {possible:,.0f} answers a month at {config.busy_share:.0%} of its time, and "
        f"value.answers_per_month is {per_month:,.0f}"
    )


def rejections(config: Config, task: Task, policy: Policy, limits: Limits) -> dict[str, str]:
    """Model that is asked for → every reason against it; those without one can run here."""
    need = Need(
        task=task,
        policy=policy,
        limits=limits,
        dtype="float32" if config.dtype == "measured" else config.dtype,
        context_tokens=config.context.length if config.context else config.context_tokens,
        context=config.context,
        hub=config.hub,
        endpoints=config.endpoints,
    )
    return {model.name: reason for model in config.asked if (reason := rejection(model, need))}


def first(config: Config, *, task: Task, policy: Policy, limits: Limits, dataset: Dataset, step: Step) -> Candidate | None:
    """The first of the models that can run here, as it enters the bake-off, measured by nobody; None: none can."""
    rejected = rejections(config, task, policy, limits)
    running = (model for model in config.asked if model.name not in rejected)
    return next((_candidate(model, config, task, dataset, step) for model in running), None)


def basic_prompt(task: Task, with_context: bool, max_new_tokens: int) -> Prompt:
    """The contract's instruction, the passage where there is one, the input, and where to answer: nothing else."""
    kind = kind_of(task.kind)
    asked, answer = f"{kind.words.asked}: {kind.field}", f"{kind.words.answered}:"
    instruction = kind.words.instruction(task)
    parts = [instruction, "Passage: {{context}}" if with_context else "", f"{asked}\n{answer}"]
    user, system = "\n\n".join(part for part in parts if part), ""
    if kind.turns:  # its turns are chat turns: what the user says stands alone in the last one as in those before it
        system = " ".join(part for part in (task.persona, task.tone, instruction) if part)
        user = "\n\n".join(part for part in (parts[1], kind.field) if part)
    elements = {
        "task": instruction,
        "context": parts[1],
        "input": asked,
        "output_indicator": answer,
    }
    return Prompt(
        method="basic", turns=(PromptTurn(system=system, user=user, max_new_tokens=max_new_tokens),), elements=elements
    )


def _candidate(model: Model, config: Config, task: Task, dataset: Dataset, step: Step) -> Candidate:
    knowledge = dataset.knowledge
    return Candidate(
        task=task.kind,
        labels=task.labels,
        abstain=task.abstain,
        runtime=_runtime(model, config),
        model=_weights(model, step),
        prompt=_prompt(model, task, knowledge is not None or task.given, config),
        retriever=Retriever(scoring="bm25", knowledge=knowledge.object, top_k=1) if knowledge else None,
        own={**kept(task), **_known_of(model, task, config)},
        quoted=Quoted() if task.quoted else None,
    )


def _known_of(model: Model, task: Task, config: Config) -> dict[str, object]:
    """What a Candidate keeps of a model beside its weights."""
    known = {"model_labels": names_of_labels(model, task), "fixed_answers": config.fixed_answers.get(model.name)}
    return {key: value for key, value in known.items() if value}


def _prompt(model: Model, task: Task, with_context: bool, config: Config) -> Prompt | None:
    """None for a classifier, which answers without one; the text alone where the model follows no instruction."""
    tokens = config.max_new_tokens or tokens_of(task).basic
    if model.architecture == "encoder":
        return None
    if not model.instructed:
        return Prompt(method="bare", turns=(PromptTurn(user=kind_of(task.kind).field, max_new_tokens=tokens),))
    return basic_prompt(task, with_context, tokens)


def _runtime(model: Model, config: Config) -> Runtime:
    if model.source == "endpoint":
        return Runtime(engine="openai", dtype=config.dtype, url=config.endpoints[model.name])
    name = engine_for(model)
    assert name, "the filters reject what no engine runs"
    return Runtime(engine=name, dtype=config.dtype, context=config.context)


def _weights(model: Model, step: Step) -> Checkpoint:
    if model.source == "endpoint":
        return Checkpoint(name=model.name, object="", licence=model.licence, origin="endpoint")
    weights = checkpoint(model.source, model.name, model.licence, step)
    if not model.trained_elsewhere:
        return weights
    source = _weights(model.made_from, step) if model.made_from else None
    return weights.model_copy(update={"derived_from": Derivation(technique="elsewhere", checkpoint=source, trained=True)})


def _decide(
    plain: Candidate,
    best: Candidate | None,
    measured: dict[str, Evidence],
    rejected: dict[str, str],
    metrics: Metrics,
    step: Step,
) -> Decision:
    base = measured[plain.digest].metrics[metrics.primary].value
    if best is None:
        reason = (
            f"none of {len(rejected)} models can be used, so the plain baseline goes on alone ({metrics.primary} {base:.3f})"
        )
        return Decision(verdict="keep", reason=reason)
    assert plain.baseline
    assert best.model
    over = f"the plain baseline {plain.baseline.kind}"
    compared = compare(measured[plain.digest], measured[best.digest], metrics, step.store, over=over)
    lead = (
        best.model.name
        if rank(measured[best.digest], metrics) > rank(measured[plain.digest], metrics)
        else plain.baseline.kind
    )
    return compared.model_copy(update={"reason": f"{lead} leads; {best.model.name}: {compared.reason}"})


def _figures(measured: dict[str, Evidence], plain: Candidate, best: Candidate | None, metrics: Metrics) -> dict[str, float]:
    figures = {f"plain {metrics.primary}": measured[plain.digest].metrics[metrics.primary].value}
    if best:
        figures[f"model {metrics.primary}"] = measured[best.digest].metrics[metrics.primary].value
    return figures


def _rows(
    models: tuple[Model, ...],
    plain: Candidate,
    running: dict[str, Candidate],
    rejected: dict[str, str],
    measured: dict[str, Evidence],
    best: Candidate | None,
    config: Config,
) -> tuple[dict[str, object], ...]:
    assert plain.baseline
    first = {
        "name": plain.baseline.kind,
        "licence": "",
        "parameters": 0,
        "memory_gb": 0.0,
        "verdict": "measured",
        "reason": "",
    }
    rows: list[dict[str, object]] = [{**first, "figures": _values(measured[plain.digest])}]
    for model in models:
        candidate = running.get(model.name)
        rows.append(
            {
                "name": model.name,
                "licence": model.licence,
                "parameters": model.parameters,
                "memory_gb": model.memory_gb(config.dtype),
                "verdict": "rejected" if candidate is None else "chosen" if candidate == best else "measured",
                "reason": rejected.get(model.name, ""),
                "figures": _values(measured[candidate.digest]) if candidate else {},
            }
        )
    return tuple(rows)


def _values(evidence: Evidence) -> dict[str, float]:
    return {name: metric.value for name, metric in evidence.metrics.items()}
