"""The rows of an index as vector stores hold them: a number, a passage and a unit vector each; texts stay in the index."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

DIGITS = 6
"""Cosines are compared to six digits: stores sum in different orders, and equal texts shall score equally in all of them."""


@dataclass(frozen=True)
class IndexRows:
    """Rows of an index object (`vectors.npy`, and the passage of each line of `chunks.jsonl`), or of a store's form."""

    numbers: "np.ndarray"
    """int64 [rows], ascending: the line of each row in the index."""
    passages: tuple[str, ...]
    vectors: "np.ndarray"
    """float32 [rows, dimensions], unit length."""

    @classmethod
    def of(cls, passages: "tuple[str, ...]", vectors: "np.ndarray", first: int = 0) -> "IndexRows":
        """Rows numbered on from `first`."""
        import numpy as np

        return cls(np.arange(first, first + len(passages), dtype=np.int64), passages, vectors)

    def equals(self, other: "IndexRows") -> bool:
        """Whether both hold the same rows, bit for bit."""
        import numpy as np

        return (
            self.passages == other.passages
            and np.array_equal(self.numbers, other.numbers)
            and np.array_equal(self.vectors, other.vectors)
        )
