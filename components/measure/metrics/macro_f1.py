"""Macro-F1: the mean over the labels of 2·tp / (2·tp + fp + fn). It has no value for a single answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.core import Example

from ..statistic import Statistic
from . import Definition

if TYPE_CHECKING:
    import numpy as np


def macro_f1(rows: Sequence[Example]) -> Statistic:
    """Over the labels that occur as references."""
    import numpy as np

    labels = sorted({row["reference"] for row in rows})
    answered = np.array([[row["answer"] == label for label in labels] for row in rows], dtype=float)
    wanted = np.array([[row["reference"] == label for label in labels] for row in rows], dtype=float)
    k = len(labels)

    def of(sums: "np.ndarray") -> "np.ndarray":
        right, total = sums[..., :k], sums[..., k:]
        return np.divide(2 * right, total, out=np.zeros(right.shape), where=total > 0).mean(-1)

    return Statistic(np.concatenate([answered * wanted, answered + wanted], axis=1), of)


METRICS = (Definition(name="macro_f1", meaning="F1 of each label, averaged", over_table=macro_f1, by_answer=True),)
