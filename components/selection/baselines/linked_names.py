"""Coreference without a language model: mentions that the training texts have too, and names; equal ones are the same thing.

A string is a mention where at least half of its places in the training texts are marked. One that most often has another
string of its cluster before it (a pronoun) goes to the mention before it; any other one to its equals: matching strings is
the strongest single rule of coreference (Soon et al. 2001; the first sieve of Lee et al. 2013). Words with a capital that no
training text has without one are names, known or not.
"""

from collections import Counter

import regex

from components.core import Baseline, Candidate, Dataset, Metrics, Row, Runtime, Step, Task, publish_json
from components.tasks import kept
from components.tasks.coreference import NUMBER
from components.text import unmarked
from components.text.words import LETTER

MARKED = 0.5
"""Least share of a string's places that are marked."""


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """linked_names of the first `rows` training rows; names alone where there are none."""
    path = step.scratch / "mentions.json"
    publish_json(path, learned(dataset.rows("train", step.store)[:rows]))
    return Candidate(
        task=task.kind,
        own=kept(task),
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="linked_names", object=step.store.put(path)),
    )


def learned(rows: list[Row]) -> dict[str, object]:
    """{"mentions": string → whether it goes to the mention before it, "common": words without a capital, "alone": whether
    mentions of nothing else are marked}"""
    marked, follows, alone = Counter[str](), Counter[str](), False
    for row in rows:
        plain, marks = unmarked(row.answer, NUMBER)
        before: dict[str, str] = {}
        for start, end, number in sorted(marks):
            said = plain[start:end].casefold()
            marked[said] += 1
            follows[said] += before.get(number, said) != said
            before[number] = said
        alone |= 1 in Counter(mark.label for mark in marks).values()
    texts = "\n".join(row.text for row in rows)
    folded = texts.casefold()
    there = {said: len(regex.findall(rf"(?V1)(?<!{LETTER}){regex.escape(said)}(?!{LETTER})", folded)) for said in marked}
    mentions = {said: 2 * follows[said] >= number for said, number in marked.items() if number >= MARKED * there[said]}
    common = {*regex.findall(r"\b\p{Ll}[\p{L}\p{M}]*", texts)}
    return {"mentions": dict(sorted(mentions.items())), "common": sorted(common), "alone": alone}
