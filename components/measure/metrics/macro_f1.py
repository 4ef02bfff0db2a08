"""Macro-F1: the mean over the labels of 2·tp / (2·tp + fp + fn). It has no value for a single answer."""

from collections.abc import Sequence

from components.core import Example

from ..label_f1 import mean_f1
from ..statistic import Statistic
from . import Definition


def macro_f1(rows: Sequence[Example]) -> Statistic:
    """Over the labels that occur as references."""
    return mean_f1([{row["answer"]} for row in rows], [{row["reference"]} for row in rows])


METRICS = (Definition(name="macro_f1", meaning="F1 of each label, averaged", over_table=macro_f1, by_answer=True),)
