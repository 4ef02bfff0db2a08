"""The whole lifecycle on one page: nine stages in order, and the gates between them.

`ninefold run` walks it as a Prefect flow, each call of `do` a task that reuses a seal or runs and seals; `ninefold plan`
walks the same page and stops at the first step that is not sealed. What joins two stages is written here and nowhere else.
"""

from components import (
    data,
    evaluation,
    feedback,
    prompting,
    retrieval,
    selection,
    tuning,
    use_case,
)
from components.core import GateRefused
from flows.steps import Steps


def lifecycle(do: Steps) -> None:
    """Take `do.use_case` through all nine stages. Raises GateRefused when a gate says no; the card is written by then."""
    contract = do.use_case
    task, metrics, limits, policy = contract.task, contract.metrics, contract.limits, contract.policy

    prepared = do("data", data.prepare, task=task, data=contract.data, policy=policy, sources=do.sources)
    dataset = prepared.dataset

    feasible = do("use_case", use_case.check, contract=contract, dataset=dataset, machine=do.machine)
    if not feasible.decision.adopted:
        raise GateRefused(f"use_case: {feasible.decision.reason}")

    chosen = do("selection", selection.select, task=task, policy=policy, limits=limits, metrics=metrics, dataset=dataset)
    plain, best = chosen.plain, chosen.model

    if best is None or chosen.enough:
        do.skip("prompting", "retrieval", "tuning", "feedback", reason=chosen.decision.reason)
        best = plain
    else:
        prompted = do("prompting", prompting.prompt, task=task, metrics=metrics, candidate=best, dataset=dataset)
        best = prompted.candidate
        if dataset.knowledge:
            found = do("retrieval", retrieval.retrieve, metrics=metrics, task=task, candidate=best, dataset=dataset)
            best = found.candidate
        else:
            do.skip("retrieval", reason="the use case has no knowledge base")
        untuned = best
        tuned = do("tuning", tuning.tune, task=task, metrics=metrics, candidate=best, dataset=dataset)
        best = tuned.candidate
        rated = do("feedback", feedback.collect, task=task, policy=policy, candidate=best, dataset=dataset)
        if rated.pairs:
            aligned = do(
                "feedback", tuning.align, task=task, metrics=metrics, candidate=best, pairs=rated.pairs, dataset=dataset
            )
            best = aligned.candidate
        best = do(
            "evaluation", evaluation.finalist, metrics=metrics, candidates=[plain, best], dataset=dataset, task=task
        ).candidate

    references = {"plain baseline": plain}
    if chosen.model:
        references["base model, same retrieval"] = chosen.model if best == plain else untuned
    if task.abstain:
        references[f"always '{task.abstain}'"] = constant(task, task.abstain)
    if champion := do.champion():
        references["champion"] = champion

    ...
