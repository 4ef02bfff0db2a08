"""Robustness: scores the use case's own test questions again, with typing errors and as speech recognition writes them.

What follows from the answers is computed by `own_scenario` (components.measure), here and by `card verify`.
Not covered: questions from other sources than the use case's own (checks/out_of_domain.py).
"""

from collections.abc import Callable, Mapping

from components.application import answering
from components.core import Candidate, Evidence, Row, Split, Step, write_jsonl
from components.measure import examples, measure
from components.tasks import kind_of
from components.text.turns import USER, each_turn

from .perturb import spoken, typed_in_haste
from .safety import Checking

OTHERWISE: dict[str, Callable[[str, int], str]] = {"robustness": typed_in_haste, "spoken": spoken}
"""Metric of the scenario → how the questions are asked for it."""


def robustness(
    candidates: Mapping[str, tuple[Candidate, Evidence]], asked: Checking, count: int, step: Step
) -> dict[str, dict[str, str]]:
    """Metric → "before", "after" of `candidates` (with what they said on test) → per-example table in the store: of the
    first `count` rows of that test asked that way, and under `accuracy` of test as it is."""
    measured = {row["id"] for row in examples(candidates["after"][1], step.store)}
    rows = [row for row in asked.dataset.rows("test", step.store) if row.id in measured][:count]
    tables = {"accuracy": {when: evidence.table for when, (_, evidence) in candidates.items()}}
    turns = kind_of(asked.task.kind).turns
    for metric, ask in OTHERWISE.items():
        texts = [_otherwise(ask, row.text, asked.seed, turns) for row in rows]
        changed = [row.model_copy(update={"text": text}) for row, text in zip(rows, texts, strict=True)]
        split = _split(metric, changed, step)
        tables[metric] = {}
        for when, (candidate, _) in candidates.items():
            with answering(candidate, step.store, step.machine) as answer:
                tables[metric][when] = measure(candidate, answer, split, asked.task, step).table
    return tables


def _otherwise(ask: Callable[[str, int], str], text: str, seed: int, turns: bool) -> str:
    """The text asked that way; of a conversation what the user says, turn by turn."""
    return each_turn(text, lambda said: ask(said, seed), USER) or text if turns else ask(text, seed)


def _split(name: str, rows: list[Row], step: Step) -> Split:
    folder = step.scratch / f"test {name}"
    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "rows.jsonl", rows)
    return Split(name=f"test, {name}", object=step.store.put(folder / "rows.jsonl"), count=len(rows))
