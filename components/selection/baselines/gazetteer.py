"""Extraction without a language model: a gazetteer, the list of what the training rows name under each key of the schema.

A name goes in under the key that it most often has, where at least half of its mentions in training texts are marked: a
common word that is a name once would be marked everywhere.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence

import regex

from components.core import Baseline, Candidate, Dataset, Metrics, Row, Runtime, Step, Task, publish_json
from components.measure.metrics.entity_f1 import parts
from components.tasks import kept
from components.text.words import LETTER

NAMED = 0.5
"""Least share of its mentions that are marked."""


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """The gazetteer of the first `rows` training rows; empty where there are none."""
    path = step.scratch / "gazetteer.json"
    publish_json(path, named(dataset.rows("train", step.store)[:rows]))
    return Candidate(
        task=task.kind,
        own=kept(task),
        runtime=Runtime(engine="baseline", dtype="float32"),
        baseline=Baseline(kind="gazetteer", object=step.store.put(path)),
    )


def named(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Key → names, sorted."""
    marked: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for (key, name), count in (parts(row.answer) or Counter()).items():
            if "." not in key and name.strip():
                marked[name][key] += count
    texts = "\n".join(row.text for row in rows)
    names: dict[str, list[str]] = defaultdict(list)
    for name, keys in sorted(marked.items()):
        mentions = len(regex.findall(rf"(?V1)(?<!{LETTER}){regex.escape(name)}(?!{LETTER})", texts))
        if keys.total() >= NAMED * mentions:
            names[min(keys, key=lambda key: (-keys[key], key))].append(name)
    return json.loads(json.dumps(names, sort_keys=True))
