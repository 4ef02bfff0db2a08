"""The whole lifecycle on one page: nine stages in order, and the gates between them.

`ninefold run` walks it as a Prefect flow, each call of `do` a task that reuses a seal or runs and seals; `ninefold plan`
walks the same page and stops at the first step that is not sealed. What joins two stages is written here and nowhere else.
"""

from pathlib import Path

from prefect import flow
from pydantic import BaseModel, Field

from components import (
    deployment,
    evaluation,
    feedback,
    governance,
    optimization,
    prompting,
    retrieval,
    selection,
    tuning,
    use_case,
)
from components.application import constant
from components.core import UNOPTIMIZED, Candidate, GateRefused, Split, Task, Workspace
from flows.climb import Climb, Common
from flows.foreseen import infeasible
from flows.own_model import Elsewhere
from flows.record import cards_folder, finish, opened, publish_card
from flows.run import Run
from flows.steps import Steps, Stopped
from flows.summary import Summary
from flows.together import brought, prepared


class Parameters(BaseModel):
    """What a run is asked for: the form that Prefect's pages show."""

    use_case: Path = Field(description="Path of the use case's YAML")
    profile: str = Field("cpu", description="smoke, cpu, ladder, gpu, or the path of a profile's YAML")
    checkpoint: str | None = Field(None, description="A model trained elsewhere: a folder, or a hub id")
    licence: str = Field("", description="SPDX identifier of that model's licence")
    made_from: str | None = Field(None, description="What it was made from: the catalogue's name, a folder, or a hub id")
    template: str | None = Field(
        None, description="SHA-256 of its chat template, where it is meant to differ from that one's"
    )
    until: str | None = Field(None, description="Stop after this stage; what comes before it is reused where it is sealed")
    home: Path | None = Field(None, description="Workspace folder; NINEFOLD_HOME or .ninefold where empty")


@flow(name="lifecycle", flow_run_name="{parameters.use_case.stem}", persist_result=False)
def lifecycle_flow(parameters: Parameters) -> Summary:
    """Run the lifecycle and return its summary (exit 0: done; 1: a gate said no, the card says why)."""
    given = (parameters.licence, parameters.made_from, parameters.template)
    own = Elsewhere(parameters.checkpoint, *given) if parameters.checkpoint else None
    run = Run.read(parameters.use_case, parameters.profile, Workspace(parameters.home), own)
    with opened(run, parameters.until) as do:
        try:
            lifecycle(do)
        except (GateRefused, Stopped) as end:
            return finish(do, end)
        return finish(do, None)


def lifecycle(do: Steps) -> None:
    """Take `do.run.use_case` through all nine stages. Raises GateRefused when a gate says no, with the card written."""
    contract = do.run.use_case
    task, metrics, limits, policy = contract.task, contract.metrics, contract.limits, contract.policy

    if reason := infeasible(do.run):
        raise GateRefused(f"use_case: {reason}")

    dataset = prepared(do, do.run).dataset
    common: Common = {"task": task, "metrics": metrics, "dataset": dataset}

    feasible = do("use_case", use_case.check, contract=contract, dataset=dataset, machine=do.run.machine)
    if not feasible.decision.adopted:
        raise GateRefused(f"use_case: {feasible.decision.reason}")

    volume = contract.value.answers_per_month
    chosen = do("selection", selection.select, policy=policy, limits=limits, answers_per_month=volume, **common)
    finalist, base, planted = _climb(do, chosen, common)

    def examine(stage: str, candidate: Candidate, worse_at_most: float | None = None) -> evaluation.Evaluated:
        return do(
            stage,
            evaluation.evaluate,
            candidate=candidate,
            references=_references(do, chosen, base, finalist),
            policy=policy,
            limits=limits,
            slices=contract.slices,
            prices=contract.value.prices,
            canaries=planted,
            worse_at_most=worse_at_most,
            **common,
        )

    evaluated = examine("evaluation", finalist)
    card = publish_card(do, finalist, evaluated)
    if not evaluated.decision.adopted:
        raise GateRefused(f"evaluation: {evaluated.decision.reason}. The card {card} says what was measured")

    optimized = do("optimization", optimization.optimize, limits=limits, candidate=finalist, **common)
    winner, faster = finalist, optimized.candidate
    if faster.digest != finalist.digest:
        measured = examine("optimization", faster, optimized.worse_at_most)
        if measured.decision.adopted:
            winner, evaluated = faster, measured

    released = do(
        "deployment",
        deployment.deploy,
        contract=contract,
        candidate=winner,
        evidence=evaluated.evidence,
        finalist=finalist.digest,
        dataset=dataset,
        run=do.run.folder,
        cards=cards_folder(do.run),
        decided_with=do.run.decided_with,
        asked=do.run.asked,
    )
    publish_card(do, winner, evaluated, released.release)


def _climb(do: Steps, chosen: selection.Selection, common: Common) -> tuple[Candidate, Candidate | None, Split | None]:
    """Stages 3 to 7, up to the candidate that goes to the test: (that one, the model before it was tuned, the canaries that
    tuning planted)."""
    dataset, task = common["dataset"], common["task"]
    if do.run.checkpoint:
        do.skip("prompting", reason="the model was trained elsewhere: it is judged with the contract's own prompt")
        own = _with_retrieval(do, chosen, common)
        do.skip("tuning", "feedback", reason="the model was trained elsewhere")
        return own, own.base or own, None
    climb = Climb(do, common)
    climb.on("baseline", chosen.plain, chosen.plain)
    if chosen.model is None or not climb.goes_on:
        climb.stop("" if chosen.model else chosen.decision.reason)
        return chosen.plain, chosen.model, None
    base = climb.on("zero_shot", chosen.model, chosen.model)

    told = "" if base.instructed else "the model is given the text alone: it follows no instruction"
    if climb.to("prompting", unless=told):
        solved = False if "few_shot" in climb.rungs else None
        prompted = do("prompting", prompting.prompt, candidate=base, solved=solved, **common)
        changes = {"prompt": prompted.proposed, "reading": prompted.reading}
        base = climb.on("prompting", base.model_copy(update=changes), prompted.candidate)
    if climb.to("few_shot", unless=told):
        shown = do("prompting", prompting.prompt, called="prompting.few_shot", candidate=base, solved=True, **common)
        changes = {"prompt": shown.proposed, "reading": shown.reading}
        base = climb.on("few_shot", base.model_copy(update=changes), shown.candidate)
    if climb.to("retrieval", unless=told or ("" if dataset.knowledge else _not_searched(task))):
        retrieved = do("retrieval", retrieval.retrieve, candidate=base, **common)
        base = climb.on("retrieval", retrieved.proposed, retrieved.candidate)

    climbed, planted, together = base, None, None
    for rung, technique in climb.tunings():
        if climb.to(rung):
            called = f"tuning.{technique}" if technique else ""
            together = together or brought(do, dataset)
            tuned = do(
                "tuning",
                tuning.tune,
                called=called,
                candidate=base,
                over=climbed,
                technique=technique,
                together=together,
                **common,
            )
            climbed = climb.on(rung, tuned.proposed, tuned.candidate, tuned.decision.reason)
            planted = tuned.canaries if climbed == tuned.proposed else planted
    if climb.to("preference"):
        climbed = _aligned(do, climb, climbed, common)
    finalist = do("evaluation", evaluation.finalist, candidates=[chosen.plain, climbed], **common).candidate
    return finalist, base, planted


def _aligned(do: Steps, climb: Climb, candidate: Candidate, common: Common) -> Candidate:
    """`candidate`, trained further on preference pairs where there are enough, and that helps."""
    contract, dataset = do.run.use_case, common["dataset"]
    rated = do(
        "feedback",
        feedback.collect,
        task=contract.task,
        policy=contract.policy,
        candidate=candidate,
        dataset=dataset,
        model=contract.deployment.model_name,
        gathered=do.run.gathered,
    )
    if not rated.pairs:
        return climb.on("preference", None, candidate, rated.decision.reason)
    aligned = do("feedback", tuning.align, candidate=candidate, pairs=rated.pairs, source_share=rated.source_share, **common)
    return climb.on("preference", aligned.proposed, aligned.candidate, aligned.decision.reason)


def _with_retrieval(do: Steps, chosen: selection.Selection, common: Common) -> Candidate:
    """The registered model with its retrieval; raises GateRefused when a filter of selection rejected it."""
    if chosen.model is None:
        raise GateRefused(f"selection: {'; '.join(f'{name}: {reason}' for name, reason in chosen.rejected.items())}")
    if not common["dataset"].knowledge:
        do.skip("retrieval", reason=_not_searched(common["task"]))
        return chosen.model
    return do("retrieval", retrieval.retrieve, candidate=chosen.model, **common).candidate


def _not_searched(task: Task) -> str:
    return "each question comes with its text" if task.given else "the use case has no knowledge base"


def _references(do: Steps, chosen: selection.Selection, base: Candidate | None, finalist: Candidate) -> dict[str, Candidate]:
    """What a release is held against: the base model with the same retrieval, the plain baseline, saying always "unknown",
    what knows only how frequent the training answers are, the finalist itself once it was made faster, and the version that
    is champion today, unless it is the finalist, or was made from it."""
    task = do.run.use_case.task
    references = {"plain baseline": chosen.plain}
    if base:
        references["base model, same retrieval" if base.retriever else "base model"] = base
    if task.abstain:
        references[f"always '{task.abstain}'"] = constant(task, task.abstain)
    references |= {name: one for name, one in chosen.references.items() if one not in references.values()}
    references[UNOPTIMIZED] = finalist  # while it is what is measured, it is no reference of its own
    champion = governance.champion(do.run.workspace, do.run.use_case.deployment.model_name, other_than=finalist.digest)
    if champion:
        references[evaluation.CHAMPION] = champion
    return references
