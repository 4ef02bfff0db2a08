"""Which refinements the best prompt gets: each asks answers that have its fault once more, and stays where that pays.

Compared, paired, with the same prompt without it, on rows of validation. Only answers that have the fault are asked for
again; the others are those that were measured. The refinements that a task can have share the level (Bonferroni).
"""

from collections.abc import Sequence

from components.application import Answer, answering
from components.application.engines import engine
from components.application.refinements import Fault, fault
from components.core import LEVEL, Candidate, Evidence, Example, Metrics, Refinement, Split, Step, Task
from components.measure import compare, examples, measure


def asked_again(
    candidate: Candidate,
    evidence: Evidence,
    names: Sequence[str],
    *,
    split: Split,
    rows: int,
    task: Task,
    metrics: Metrics,
    step: Step,
) -> tuple[Candidate, Evidence, list[str]]:
    """(`candidate` with the refinements that pay, its evidence, a sentence for each that was tried).

    evidence: of `candidate` on the first `rows` rows of `split`
    """
    notes = list[str]()
    concerned = settings_of(names, candidate, task)
    for name, settings in concerned.items():
        table = examples(evidence, step.store)
        faulty = _faulty(fault(name), candidate, table, settings)
        if not faulty:
            continue
        assert candidate.prompt
        refinements = (*candidate.prompt.refinements, Refinement(fault=name, settings=settings))
        more = candidate.model_copy(update={"prompt": candidate.prompt.model_copy(update={"refinements": refinements})})
        known = [Answer.of(row) for row in table if row["id"] not in faulty]
        with answering(more, step.store, step.machine, known) as answer:
            found = measure(more, answer, split, task, step, rows)
        over = f"the same prompt without the refinement {name}"
        decision = compare(evidence, found, metrics, step.store, over=over, level=LEVEL / len(concerned))
        notes.append(f"refinement {name}, for {len(faulty)} of {len(table)} answers: {decision.verdict}: {decision.reason}")
        if decision.adopted:
            candidate, evidence = more, found
    return candidate, evidence, notes


def settings_of(names: Sequence[str], candidate: Candidate, task: Task) -> dict[str, dict[str, object]]:
    """Refinement → what it knows of the contract, for those of `names` that a candidate for `task` can have."""
    if candidate.quoted:
        return {}
    return {name: settings for name in names if (settings := fault(name).settings(task)) is not None}


def _faulty(found: Fault, candidate: Candidate, table: Sequence[Example], settings: dict[str, object]) -> set[str]:
    """Ids of the answers that have the fault; all of them where a table cannot tell: an engine that writes labels and does
    not score them has its first label where it said none."""
    scores = hasattr(engine(candidate.runtime.engine).Engine, "score")
    if candidate.labels:
        return set() if scores else {row["id"] for row in table}
    return {row["id"] for row in table if found.wrong(candidate, row["answer"], settings)}
