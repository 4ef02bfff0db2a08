"""A figure of a whole table, in the form that bootstrap and permutation tests resample."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Statistic:
    """A figure computed from summed columns. columns: [rows, k]; of: sums [..., k] → figure [...]."""

    def __init__(self, columns: "np.ndarray", of: Callable[["np.ndarray"], "np.ndarray"]) -> None:
        self.columns, self.of = columns, of
