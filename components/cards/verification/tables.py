"""The evidence of a record, read and checked against its digests once, and the comparison of figures with it."""

from collections.abc import Iterator

from components.core import Example, Metric, Store, Task, read_jsonl, short

from ..record import MetricDump, Record
from ..safety import CheckedItem
from .finding import Finding

ROUNDING = 2e-6
"""Figures are kept to six decimals."""


class Tables:
    """Per-example tables of one record, each read and checked against its digest once."""

    def __init__(self, record: Record, store: Store) -> None:
        self.record, self.store = record, store
        self.task = Task.model_validate(record.use_case["task"])
        self._rows: dict[str, list[Example]] = {}
        self._items: dict[str, list[CheckedItem]] = {}

    def unusable(self, digest: str, where: str) -> Iterator[Finding]:
        """What keeps an object from being read: it is not here, or was changed."""
        if not self.store.has(digest):
            yield Finding(where=where, what=f"object {short(digest)} is not in {self.store.root}", missing=True)
            return
        for line in self.store.damaged([digest]):
            yield Finding(where=where, what=f"object {short(digest)} was changed: {line.partition(': ')[2]}")

    def rows(self, digest: str) -> list[Example]:
        """The rows of an Evidence's table that is here."""
        if digest not in self._rows:
            self._rows[digest] = read_jsonl(self.store.file(digest))
        return self._rows[digest]

    def items(self, digest: str) -> list[CheckedItem]:
        """The items of a check's table that is here."""
        if digest not in self._items:
            self._items[digest] = read_jsonl(self.store.file(digest))
        return self._items[digest]


def dump(metric: Metric) -> MetricDump:
    """A figure as a record keeps it."""
    return {"value": metric.value, "low": metric.low, "high": metric.high, "n": metric.n}


def same(recorded: MetricDump | None, computed: MetricDump | None) -> bool:
    """Whether two figures agree in value, interval and count, up to rounding."""
    if recorded is None or computed is None:
        return recorded is None and computed is None
    return all(
        (one is None) == (other is None) and abs((one or 0.0) - (other or 0.0)) <= ROUNDING
        for one, other in zip(_numbers(recorded), _numbers(computed), strict=True)
    )


def _numbers(figure: MetricDump) -> tuple[float | None, ...]:
    return figure.get("value"), figure.get("low"), figure.get("high"), figure.get("n")


def differs(where: str, recorded: object, computed: object) -> Finding:
    """The finding that the figure at `where` is not the one computed."""
    return Finding(where=where, what=f"the record says {_shown(recorded)}, the evidence gives {_shown(computed)}")


def _shown(figure: object) -> str:
    if not isinstance(figure, dict):
        return str(figure)
    low, high = figure.get("low"), figure.get("high")
    span = "" if low is None or high is None else f" [{low:.6g}, {high:.6g}]"
    return f"{figure['value']:.6g}{span}, n = {figure.get('n', 0)}"
