"""What the data stage puts into the store: rows and passages by name, and the lists that its provenance names."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass

from components.core import Row, Split, Step, only_collected, write_jsonl


class Outputs:
    """splits: name → its rows or passages. lists: what the provenance calls it → object with one JSON line an entry."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.splits: dict[str, Split] = {}
        self.lists: dict[str, str] = {}

    def split(self, name: str, items: Sequence[object], file: str = "rows.jsonl") -> None:
        """Keep rows, passages or a benchmark's items."""
        only_collected(name, [item for item in items if isinstance(item, Row)])
        self.splits[name] = Split(name=name, object=self._put(f"{name}/{file}", items), count=len(items))

    def list(self, name: str, file: str, lines: Iterable[object]) -> str:
        """Keep a list; returns its object."""
        self.lists[name] = self._put(file, lines)
        return self.lists[name]

    @property
    def objects(self) -> tuple[str, ...]:
        """All that was put into the store."""
        return (*self.lists.values(), *(split.object for split in self.splits.values()))

    def _put(self, file: str, items: Iterable[object]) -> str:
        path = self._step.scratch / file
        write_jsonl(path, (asdict(item) if is_dataclass(item) and not isinstance(item, type) else item for item in items))
        return self._step.store.put(path)
