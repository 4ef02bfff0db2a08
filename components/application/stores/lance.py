"""LanceDB, embedded: a table on disk in the folder `derived`, scanned exactly (no index), so memory stays small."""

import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..index_rows import DIGITS, IndexRows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from lancedb.query import LanceVectorQueryBuilder
    from lancedb.table import Table

PACKAGES = ("lancedb",)
ENVIRONMENT = ()
TABLE = "rows"
UNREADABLE = (OSError, RuntimeError, ValueError, KeyError)
"""What LanceDB raises for a table with files missing, cut short or of other columns."""


class VectorStore:
    """See stores/__init__.py."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    @classmethod
    def open(cls, index: str, derived: Path) -> "VectorStore | None":
        """See stores/__init__.py."""
        import lancedb

        folder = derived / f"lance-{index}"
        if not folder.is_dir():
            return None
        try:
            return cls(lancedb.connect(folder).open_table(TABLE))
        except UNREADABLE:
            return None

    @classmethod
    def build(cls, index: str, rows: IndexRows, derived: Path) -> "VectorStore":
        """The table is written beside its place and renamed into it."""
        import lancedb

        folder = derived / f"lance-{index}"
        derived.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=derived, prefix=f"{folder.name}.building."))
        try:
            lancedb.connect(building).create_table(TABLE, _arrow(rows))
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(building, folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same content
                raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return cls(lancedb.connect(folder).open_table(TABLE))

    def rows(self) -> IndexRows | None:
        """See stores/__init__.py."""
        import numpy as np

        try:
            there = self._table.to_arrow().sort_by("number")
            vectors = there["vector"].combine_chunks()
            flat = np.asarray(vectors.flatten(), dtype=np.float32)
            numbers = np.asarray(there["number"], dtype=np.int64)
            return IndexRows(numbers, tuple(there["passage"].to_pylist()), flat.reshape(len(numbers), -1))
        except UNREADABLE:
            return None

    def search(self, vectors: "np.ndarray", limit: int | None = None) -> list[tuple["np.ndarray", "np.ndarray"]]:
        """See stores/__init__.py."""
        size = self._table.count_rows()
        return [self._nearest(vector, size if limit is None else min(limit, size), size) for vector in vectors]

    def _nearest(self, vector: "np.ndarray", limit: int, size: int) -> tuple["np.ndarray", "np.ndarray"]:
        """One row more than `limit` is asked for, and twice as many as long as that one ties with the last: of equal
        cosines LanceDB returns any."""
        import numpy as np

        asked = limit
        while True:
            asked = min(size, asked + 1)
            query = cast("LanceVectorQueryBuilder", self._table.search(vector, vector_column_name="vector"))
            nearest = query.distance_type("dot").select(["number", "_distance"]).limit(max(asked, 1)).to_arrow()
            numbers = np.asarray(nearest["number"], dtype=np.int64)
            cosines = 1 - np.asarray(nearest["_distance"], dtype=np.float32)  # "dot" is 1 - the product
            order = np.lexsort((numbers, -np.round(cosines, DIGITS)))
            compared = np.round(cosines[order], DIGITS)
            if asked == size or limit == 0 or compared[limit - 1] != compared[-1]:
                return numbers[order][:limit], cosines[order][:limit]
            asked *= 2

    def add(self, passages: Collection[str], vectors: "np.ndarray") -> None:
        """See stores/__init__.py."""
        numbers = self._table.to_arrow()["number"].to_pylist()
        self._table.add(_arrow(IndexRows.of(tuple(passages), vectors, first=max(numbers, default=-1) + 1)))

    def delete(self, passages: Collection[str]) -> None:
        """See stores/__init__.py."""
        if passages:
            quoted = ", ".join("'" + passage.replace("'", "''") + "'" for passage in passages)
            self._table.delete(f"passage in ({quoted})")

    def close(self) -> None:
        """Nothing to close: LanceDB opens files as it needs them."""


def held(indexes: Collection[str], derived: Path) -> set[str]:
    """See stores/__init__.py; what a killed build left counts."""
    return {index for index in indexes if any(derived.glob(f"lance-{index}*"))}


def drop(index: str, derived: Path) -> None:
    """See stores/__init__.py. A killed call leaves a torn form, which `held` finds."""
    for folder in derived.glob(f"lance-{index}*"):
        shutil.rmtree(folder)


def _arrow(rows: IndexRows) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(rows.vectors, dtype=np.float32).ravel())
    columns = {
        "number": pa.array(rows.numbers, pa.int64()),
        "passage": pa.array(rows.passages, pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(flat, rows.vectors.shape[1]),
    }
    return pa.table(columns)
