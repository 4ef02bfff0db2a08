"""The evidence of a record, read and checked against its digests once, and the comparison of figures with it."""

from collections.abc import Iterator
from typing import Any

from components.core import Store, Task, read_jsonl, short

from ..record import Record
from .finding import Finding

ROUNDING = 2e-6
"""Figures are kept to six decimals."""


class Tables:
    """Per-example tables of one record, each read and checked against its digest once."""

    def __init__(self, record: Record, store: Store) -> None:
        self.record, self.store = record, store
        self.task = Task.model_validate(record.use_case["task"])
        self._read: dict[str, list[dict[str, Any]]] = {}

    def unusable(self, digest: str, where: str) -> Iterator[Finding]:
        """What keeps an object from being read: it is not here, or was changed."""
        if not self.store.has(digest):
            yield Finding(where=where, what=f"object {short(digest)} is not in {self.store.root}", missing=True)
            return
        for line in self.store.damaged([digest]):
            yield Finding(where=where, what=f"object {short(digest)} was changed: {line.partition(': ')[2]}")

    def rows(self, digest: str) -> list[dict[str, Any]]:
        """The rows of a table that is here."""
        if digest not in self._read:
            self._read[digest] = read_jsonl(self.store.file(digest))
        return self._read[digest]


def same(said: dict[str, Any] | None, computed: dict[str, Any] | None) -> bool:
    """Whether two figures agree in value, interval and count, up to rounding."""
    if said is None or computed is None:
        return said is None and computed is None
    for part in ("value", "low", "high", "n"):
        one, other = said.get(part), computed.get(part)
        if (one is None) != (other is None) or abs((one or 0.0) - (other or 0.0)) > ROUNDING:
            return False
    return True


def differs(where: str, said: Any, computed: Any) -> Finding:
    """The finding that the figure at `where` is not the one computed."""
    return Finding(where=where, what=f"the record says {_shown(said)}, the evidence gives {_shown(computed)}")


def _shown(figure: Any) -> str:
    if not isinstance(figure, dict):
        return str(figure)
    low, high = figure.get("low"), figure.get("high")
    span = "" if low is None or high is None else f" [{low:.6g}, {high:.6g}]"
    return f"{figure['value']:.6g}{span}, n = {figure.get('n', 0)}"
