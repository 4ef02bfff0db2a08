"""A small solved set of rows for each kind of task, read from `cases/<kind>.json`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core import Dataset, Machine, Metrics, Passage, Row, Split, Step, Task, Workspace, write_jsonl
from components.data.slices import slices
from components.tasks import kind_of

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Solved:
    """rows: with right answers. wrong: answers that are right for none of the rows, or not for most."""

    task: Task
    rows: list[Row]
    wrong: list[str]
    passages: list[Passage]

    def dataset(self, step: Step) -> Dataset:
        """Every second row for training, the others for validation and test."""
        parts = {"train": self.rows[::2], "validation": self.rows[1::2], "test": self.rows[1::2], "feedback": []}
        splits = {name: _split(name, rows, step) for name, rows in parts.items()}
        return Dataset(
            splits=splits, knowledge=_split("knowledge", self.passages, step) if self.passages else None, provenance=""
        )

    @property
    def metrics(self) -> Metrics:
        return Metrics(primary=kind_of(self.task.kind).metrics[0], at_least=0.1)


def solved(kind: str) -> Solved:
    """The rows of `kind`; fails where a kind has none."""
    path = CASES / f"{kind}.json"
    assert path.is_file(), (
        f"components/tasks/{kind}.py has no solved rows to be tried on: write tests/tasks/cases/{kind}.json"
    )
    case: dict[str, Any] = json.loads(path.read_text())
    task = Task.model_validate(case["task"])
    about = sorted({row["passage"] for row in case["rows"] if "passage" in row})
    rows = [
        Row(
            id=f"row{i}",
            text=row["text"],
            answer=row["answer"],
            tests=row.get("tests"),
            passage=f"p{about.index(row['passage'])}" if "passage" in row else None,
            slices=slices(row["text"], row["answer"], task),
        )
        for i, row in enumerate(case["rows"])
    ]
    return Solved(task, rows, case["wrong"], [Passage(id=f"p{i}", text=text) for i, text in enumerate(about)])


def step_in(folder: Path) -> Step:
    """A step in a workspace of its own."""
    workspace = Workspace(folder)
    return Step("0" * 64, workspace.store.scratch("0" * 64), workspace, Machine())


def _split(name: str, rows: list[Any], step: Step) -> Split:
    path = step.scratch / ("passages.jsonl" if rows and isinstance(rows[0], Passage) else "rows.jsonl")
    write_jsonl(path, rows)
    return Split(name=name, object=step.store.put(path), count=len(rows))
