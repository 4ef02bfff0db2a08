"""Entity-level F1, precision and recall (as CoNLL-2003: Tjong Kim Sang and De Meulder 2003): a part of an answer is right
where the reference has the same text under the same key.

Over a table all parts count alike (micro-average); `text_entity_f1` is the F1 of one text's parts. What is no JSON has no
part. Not covered: where in the text an entity stands.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from components.core import Example
from components.text import same

from ..statistic import Statistic
from . import Case, Definition

if TYPE_CHECKING:
    import numpy as np

Part = tuple[str, str]


def parts(answer: str) -> Counter[Part] | None:
    """How often each (key, value) stands in the JSON of `answer`, inner keys joined by dots; None where it is no JSON."""
    try:
        return Counter(_leaves("", json.loads(answer)))
    except (ValueError, RecursionError):
        return None


def _leaves(key: str, value: object) -> list[Part]:
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in _leaves(f"{key}.{name}" if key else name, inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(key, inner)]
    return [(key, same(value) if isinstance(value, str) else json.dumps(value))]


def counts(answer: str, reference: str) -> tuple[int, int, int]:
    """(right parts, parts of the answer, parts of the reference)"""
    answered, wanted = parts(answer) or Counter(), parts(reference) or Counter()
    return (answered & wanted).total(), answered.total(), wanted.total()


def _of_text(case: Case) -> float:
    if parts(case.text) is None:
        return 0.0
    right, answered, wanted = counts(case.text, case.row.answer)
    return 2 * right / (answered + wanted) if answered + wanted else 1.0  # nothing there, and nothing said


def _over(out_of: Callable[["np.ndarray"], "np.ndarray"], rows: Sequence[Example]) -> Statistic:
    """2·right, over twice what `out_of` takes from the sums of (right, answered, wanted)."""
    import numpy as np

    columns = np.array([counts(row["answer"], row["reference"]) for row in rows], dtype=float).reshape(-1, 3)

    def of(sums: "np.ndarray") -> "np.ndarray":
        below = out_of(sums)
        return np.divide(2 * sums[..., 0], below, out=np.array(sums[..., 1] + sums[..., 2] == 0, float), where=below > 0)

    return Statistic(columns, of)


NAMES = ("entity_f1", "entity_precision", "entity_recall", "text_entity_f1")
METRICS = (
    Definition(name="entity_f1", over_table=partial(_over, lambda sums: sums[..., 1] + sums[..., 2])),
    Definition(name="entity_precision", over_table=partial(_over, lambda sums: 2 * sums[..., 1]), is_goal=False),
    Definition(name="entity_recall", over_table=partial(_over, lambda sums: 2 * sums[..., 2]), is_goal=False),
    Definition(name="text_entity_f1", per_example=_of_text),
)
