"""Which training rows are shown as examples: short ones, each about something else, one of them an abstention.

Only training rows are looked at, and their own (gold) passages; an example whose passage is not in the base is left out.
Not covered: choosing examples by similarity to each question (that would make prompts, and so cached prefixes, differ).
"""

from collections.abc import Sequence

from components.core import Row, Task
from components.tasks import kind_of
from components.text import apart
from components.text.turns import last_said

from .elements import Example

SHORTEST = 4
"""Words that an example's input must have; shorter ones teach nothing about the layout."""


Solved = tuple[Row, Example]
"""A training row, and how it is shown."""


def pick(task: Task, rows: Sequence[Row], passages: dict[str, str], count: int, most_words: int) -> list[Solved]:
    """Up to `count` rows to be shown, shortest first among those of at most `most_words` words (input, passage and answer).

    conversations of several turns are left out
    passages: passage id → text; empty where prompts have no context, or the text comes with the question
    with an abstention: the second one is an abstention, and an answer comes last, since small models lean
    towards what they saw last (Zhao et al. 2021). With labels: they take turns.
    """
    groups: dict[str, list[tuple[int, str, Solved]]] = {}
    for row in rows:
        if (passages and row.passage not in passages) or len(row.text.split()) < SHORTEST:
            continue
        before, message = last_said(row.text) if kind_of(task.kind).turns else ([], row.text)
        if before:  # shown without what came before it, its answer would teach to answer at random
            continue
        context, asked = apart(row.text) if task.given else (passages.get(row.passage or "", ""), message)
        example = Example(input=asked, output=row.answer, context=context)
        words = sum(len(part.split()) for part in (example.input, example.context, example.output))
        if words <= most_words:
            groups.setdefault(_group(task, row), []).append((words, row.id, (row, example)))
    queues = {group: _distinct(sorted(items, key=lambda item: item[:2])) for group, items in groups.items()}
    return _interleave(task, queues, count)


def _group(task: Task, row: Row) -> str:
    if task.labels:
        return row.answer
    return "abstention" if task.abstain is not None and row.answer == task.abstain else "answer"


def _distinct(items: Sequence[tuple[int, str, Solved]]) -> list[Solved]:
    """The first one of each passage, without the sort keys."""
    seen: dict[str, Solved] = {}
    for _, name, one in items:
        seen.setdefault(one[1].context or name, one)
    return list(seen.values())


def _interleave(task: Task, queues: dict[str, list[Solved]], count: int) -> list[Solved]:
    if task.labels:
        turns = max((len(queue) for queue in queues.values()), default=0)
        return [queues[label][i] for i in range(turns) for label in task.labels if i < len(queues.get(label, []))][:count]
    answers, silent = queues.get("answer", []), queues.get("abstention", [])
    taken = _contexts(answers[:1])
    silent = [one for one in silent if one[1].context not in taken][:1] if count > 1 else []
    rest = [one for one in answers[1:] if one[1].context not in _contexts(silent)]
    return [*answers[:1], *silent, *rest][:count]


def _contexts(solved: Sequence[Solved]) -> list[str]:
    return [example.context for _, example in solved if example.context]
