"""A small workspace, and Evidence made from tables that are written out by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.core import Evidence, Machine, Step, Workspace, write_jsonl


@pytest.fixture
def step(tmp_path: Path) -> Step:
    workspace = Workspace(tmp_path / "home")
    return Step("measure", workspace.store.scratch("measure"), workspace, Machine(threads=1))


@pytest.fixture
def evidence(step: Step) -> Callable[..., Evidence]:
    """Evidence whose table has the column `name` with `values`; more columns by keyword."""

    def make(name: str, values: list[float | None], **columns: list[Any]) -> Evidence:
        from components.measure.intervals import table_metric

        rows = [
            {"id": f"r{i}", name: value, **{key: given[i] for key, given in columns.items()}}
            for i, value in enumerate(values)
        ]
        path = step.scratch / "examples.jsonl"
        write_jsonl(path, rows)
        found = {key: table_metric(rows, key) for key in (name, *columns) if key not in ("answer", "reference")}
        return Evidence(
            candidate="c",
            split="validation",
            split_object="s",
            table=step.store.put(path),
            metrics={k: v for k, v in found.items() if v},
        )

    return make
