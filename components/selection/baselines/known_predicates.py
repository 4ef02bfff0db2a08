"""Semantic roles without a language model: words that the training texts mark as predicates, with the words beside them.

A word is a predicate where at least half of its places in the training texts are marked. Its arguments are the words before
and behind it up to the next sign or predicate, in the role that training texts most often have on that side: position
relative to the predicate is among the strongest single features of a role (Gildea and Jurafsky 2002,
doi:10.1162/089120102760275983).
"""

from collections import Counter

import regex

from components.core import Baseline, Candidate, Dataset, Metrics, Row, Runtime, Step, Task, publish_json
from components.tasks import kept
from components.tasks.semantic_roles import LABEL, PREDICATE, by_number
from components.text import unmarked
from components.text.words import LETTER

MARKED = 0.5
"""Least share of a word's places that are marked."""


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """known_predicates of the first `rows` training rows; it marks nothing where there are none."""
    path = step.scratch / "predicates.json"
    publish_json(path, learned(dataset.rows("train", step.store)[:rows]))
    return Candidate(
        task=task.kind,
        own=kept(task),
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="known_predicates", object=step.store.put(path)),
    )


def learned(rows: list[Row]) -> dict[str, object]:
    """{"predicates": strings, "before" and "behind": the most frequent role there, "" where there is none}"""
    said, before, behind = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        plain, marks = unmarked(row.answer, LABEL)
        named = by_number(marks)
        places = {number: mark for number, role, mark in named if role == PREDICATE}
        said.update(plain[mark.start : mark.end].casefold() for mark in places.values())
        for number, role, mark in named:
            if role != PREDICATE and number in places:
                before[role] += mark.end <= places[number].start
                behind[role] += mark.start >= places[number].end
    folded = "\n".join(row.text for row in rows).casefold()
    there = {word: len(regex.findall(rf"(?V1)(?<!{LETTER}){regex.escape(word)}(?!{LETTER})", folded)) for word in said}
    return {
        "predicates": sorted(word for word, count in said.items() if count >= MARKED * there[word]),
        "before": _most(before),
        "behind": _most(behind),
    }


def _most(roles: Counter[str]) -> str:
    return min(roles, key=lambda role: (-roles[role], role)) if roles.total() else ""
