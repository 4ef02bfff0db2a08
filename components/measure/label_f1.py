"""F1 of each label, averaged, of answers that are labels or sets of labels."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from .statistic import Statistic

if TYPE_CHECKING:
    import numpy as np


def mean_f1(answered: Sequence[AbstractSet[str]], wanted: Sequence[AbstractSet[str]]) -> Statistic:
    """Over the labels that are wanted somewhere; answered, wanted: the labels of each row."""
    import numpy as np

    labels = sorted(set[str]().union(*wanted))
    said = np.array([[label in row for label in labels] for row in answered], dtype=float)
    right = np.array([[label in row for label in labels] for row in wanted], dtype=float)
    k = len(labels)

    def of(sums: "np.ndarray") -> "np.ndarray":
        hits, total = sums[..., :k], sums[..., k:]
        return np.divide(2 * hits, total, out=np.zeros(hits.shape), where=total > 0).mean(-1)

    return Statistic(np.concatenate([said * right, said + right], axis=1), of)
