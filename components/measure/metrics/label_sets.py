"""Figures of answers that are sets of labels; each equals scikit-learn's of the same name over the label indicator matrix.

`micro_f1` counts all labels of all texts alike, `label_macro_f1` averages the F1 of each label that a reference has,
`text_label_f1` that of each text (scikit-learn: average="samples"). `subset_accuracy` asks for the whole set, and
`hamming_score` (1 − Hamming loss) whether each label of the contract was rightly there or rightly not. What is no set of
labels is empty in the first two, and scores 0 in the others.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import Example
from components.tasks.multilabel_classification import sets

from ..label_f1 import mean_f1
from ..statistic import Statistic
from . import Case, Definition

if TYPE_CHECKING:
    import numpy as np


def _micro(rows: Sequence[Example]) -> Statistic:
    """2·right over those answered and those wanted."""
    import numpy as np

    pairs = [(sets(row["answer"]), sets(row["reference"])) for row in rows]
    counts = [(len(answered & wanted), len(answered) + len(wanted)) for answered, wanted in pairs]
    columns = np.array(counts, dtype=float).reshape(-1, 2)

    def of(sums: "np.ndarray") -> "np.ndarray":
        right, total = sums[..., 0], sums[..., 1]
        return np.divide(2 * right, total, out=np.ones(total.shape), where=total > 0)

    return Statistic(columns, of)


def _macro(rows: Sequence[Example]) -> Statistic:
    return mean_f1([sets(row["answer"]) for row in rows], [sets(row["reference"]) for row in rows])


def _of_text(case: Case) -> float:
    answered, wanted = sets(case.text), sets(case.row.answer)
    if not answered and not wanted:
        return _valid(case)
    return 2 * len(answered & wanted) / (len(answered) + len(wanted))


def _subset(case: Case) -> float:
    return _valid(case) * (sets(case.text) == sets(case.row.answer))


def _hamming(case: Case) -> float:
    apart = len(sets(case.text) ^ sets(case.row.answer))
    return _valid(case) * (1 - apart / len(case.task.own["label_set"]))


def _valid(case: Case) -> float:
    return float(case.kind.read_answer(case.text, case.task.own) is not None)


NAMES = ("micro_f1", "label_macro_f1", "text_label_f1", "subset_accuracy", "hamming_score", "valid_labels")
METRICS = (
    Definition(name="micro_f1", meaning="F1 over all labels of all texts together", over_table=_micro),
    # no goal: sets are too many for ten rows of each, without which a gain in it may be luck (significance.FEWEST)
    Definition(name="label_macro_f1", meaning="F1 of each label, averaged", over_table=_macro, is_goal=False),
    Definition(name="text_label_f1", meaning="F1 of each text's labels, averaged", per_example=_of_text),
    Definition(name="subset_accuracy", meaning="share of texts with exactly the right labels", per_example=_subset),
    Definition(
        name="hamming_score",
        meaning="share of labels rightly given or rightly left out",
        per_example=_hamming,
        is_goal=False,
    ),
    Definition(
        name="valid_labels",
        meaning="share of answers that are labels of the contract and nothing else",
        per_example=_valid,
        is_goal=False,
    ),
)
