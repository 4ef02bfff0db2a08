"""Alignment, behind tuning: the adapter goes on learning from preference pairs, and what comes of it is kept if it helps."""

from components.core import Candidate, Dataset, Decision, Metrics, Split, Step, Task
from components.core.artifacts import opened
from components.training import Diverged, tuned

from .deciding import Tuned, decide
from .judging import diverged, judged
from .stage import Config

PAIRS = 4
"""Pairs in a batch: eight sequences."""


def align(
    config: Config,
    *,
    task: Task,
    metrics: Metrics,
    candidate: Candidate,
    pairs: Split,
    source_share: float,
    dataset: Dataset,
    step: Step,
) -> Tuned:
    """Go on training the candidate's adapter on preference pairs by `config.preference`; keep it if it helps.

    pairs: object with `pairs.jsonl`: {"text", "passages": [{"id", "text"}], "chosen", "rejected", "simulated", "source"}
    source_share: the largest share of the pairs trained on that one source may give (`within_share`)
    """
    from components.training.loop import load_tokenizer
    from components.training.objectives import objective

    from .preferences import as_tokens, usable

    if candidate.model is None or candidate.adapter is None:
        reason = "the candidate at hand has no adapter to train on"
        return Tuned(decision=Decision(verdict="keep", reason=reason), candidate=candidate)
    rows = usable(candidate, pairs, step)
    if len(rows) < config.minimum_pairs:
        reason = f"{len(rows)} usable preference pairs of {pairs.count} are fewer than the {config.minimum_pairs} needed"
        return Tuned(decision=Decision(verdict="keep", reason=reason), candidate=candidate)
    base, start = opened(step.store, candidate.model.object), opened(step.store, candidate.adapter.object, "adapter")
    most, longest = config.preference_pairs, config.max_tokens
    pairs_kept, simulated, largest = as_tokens(load_tokenizer(base), candidate, rows, longest, source_share, most)
    if len(pairs_kept) < config.minimum_pairs:
        reason = (
            f"too few of {len(rows)} preference pairs are as short as {longest} tokens (tuning.max_tokens) and "
            f"leave each source {source_share:.0%} of them at most (feedback.source_share)"
        )
        return Tuned(decision=Decision(verdict="keep", reason=reason), candidate=candidate)
    way = objective(config.preference)
    recipe = config.recipe(candidate.runtime).model_copy(
        update={
            "technique": candidate.adapter.technique,
            "epochs": config.preference_epochs,
            "learning_rate": config.preference_learning_rate,
            "batch_rows": PAIRS,
        }
    )
    asked = {"beta": config.beta, "likelihood": config.preference_likelihood}
    own = way.Settings(**{name: value for name, value in asked.items() if name in way.Settings.model_fields})
    try:
        trained = way.train(recipe, own, base, pairs_kept, step.scratch, step.machine, start=start)
    except Diverged as error:
        return Tuned(decision=diverged(error, "preference_learning_rate"), candidate=candidate)
    step.measured["training"] = trained.measured
    proposed = tuned(candidate, recipe, config.preference, trained, step.store)
    assert proposed.adapter is not None, "a technique with an adapter leaves one"
    trained_object = proposed.adapter.object
    note = (
        f"alignment: {len(pairs_kept)} preference pairs (simulated: {simulated}; of any one source: {largest}); "
        f"{pairs.count - len(rows)} more name an answer that is not in the context"
    )
    proposed, after = judged(config, task, metrics, proposed, dataset, step)
    objects = (trained_object, after.table)
    decided = decide(config, task, metrics, candidate, proposed, after, dataset, objects, (note,), step)
    mixed = "partly simulated" if simulated else "real"
    source = "simulated" if simulated == len(pairs_kept) else mixed
    reason = f"on {source} feedback, {decided.decision.reason}"
    return decided.model_copy(update={"decision": decided.decision.model_copy(update={"reason": reason})})
