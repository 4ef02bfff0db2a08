"""Successive halving (Jamieson and Talwalkar 2016) over prompts: all methods on few rows, the better half on more rows.

An answer given in an earlier round is not asked for again: it is read from that round's per-example table, which is sealed,
so a killed search goes on with the same answers.
"""

from collections.abc import Sequence

from components.application import Answer, answering
from components.core import Candidate, Evidence, Metrics, Prompt, Split, Step, Task, progress
from components.measure import examples, measure, missed_floors

Key = tuple[bool, float, int, str]


def halve(
    candidates: dict[str, Candidate],
    schedule: Sequence[tuple[int, int]],
    split: Split,
    task: Task,
    metrics: Metrics,
    step: Step,
) -> tuple[list[str], dict[str, Evidence], list[dict[str, object]]]:
    """Names of the survivors (best first), their last evidence, and a row for each method in each round.

    schedule: (rows of `split`, how many go on), one pair a round
    """
    names = sorted(candidates)
    evidence: dict[str, Evidence] = {}
    table: list[dict[str, object]] = []
    for number, (rows, going_on) in enumerate(schedule, 1):
        for name in progress(names, f"prompting round {number} of {len(schedule)}"):
            evidence[name] = measured(candidates[name], split, task, step, rows, earlier=evidence.get(name))
        names.sort(key=lambda name: key(candidates[name], evidence[name], metrics, name), reverse=True)
        table += [
            row(number, min(rows, split.count), candidates[name], evidence[name], metrics, place < going_on)
            for place, name in enumerate(names)
        ]
        names = names[:going_on]
    return names, evidence, table


def key(candidate: Candidate, evidence: Evidence, metrics: Metrics, name: str) -> Key:
    """Sort key, best last: what the contract could release, then the primary metric, then fewer calls.

    Floors count only together with the release threshold: else a prompt that always abstains, which reaches a floor on
    abstention, would be preferred over every prompt that answers.
    """
    primary = evidence.metrics[metrics.primary].value if metrics.primary in evidence.metrics else 0.0
    releasable = primary >= metrics.at_least and not missed_floors(evidence, metrics)
    return releasable, primary, -calls(candidate), name


def calls(candidate: Candidate) -> int:
    """Calls of the model for one answer."""
    return len(candidate.prompt.turns) if candidate.prompt else 0


def measured(
    candidate: Candidate, split: Split, task: Task, step: Step, rows: int | None, earlier: Evidence | None = None
) -> Evidence:
    """Evidence of `candidate` on the first `rows` rows (None: all); only what `earlier` did not answer is asked."""
    known = [Answer.of(row) for row in examples(earlier, step.store)] if earlier else []
    with answering(candidate, step.store, step.machine, known) as answer:
        return measure(candidate, answer, split, task, step, rows)


def row(
    number: int, rows: int, candidate: Candidate, evidence: Evidence, metrics: Metrics, goes_on: bool
) -> dict[str, object]:
    """What the table of rounds says of one prompt that was measured. goes_on: it was not left behind there."""
    assert candidate.prompt
    shown = [name for name in (metrics.primary, *metrics.floors) if name in evidence.metrics]
    return {
        "round": number,
        "method": candidate.prompt.method,
        **({"reading": candidate.reading.way} if candidate.reading else {}),
        "rows": rows,
        "calls_per_answer": calls(candidate),
        "prompt_words": _words(candidate.prompt),
        "figures": {name: evidence.metrics[name].value for name in shown},
        "kept": goes_on,
    }


def _words(prompt: Prompt) -> int:
    """Words that every answer's prompts have in common, over all turns."""
    fixed = [turn.system + " " + turn.user for turn in prompt.turns]
    shown = [" ".join(pair) for turn in prompt.turns for pair in turn.examples]
    return sum(len(text.split()) for text in (*fixed, *shown))
