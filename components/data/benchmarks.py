"""Texts of the benchmark items that evaluation draws its samples from: what training must not have seen."""

import csv
import json
from pathlib import Path

from components.core import BadInput, Workspace, asset_path

QUESTION_FIELDS = ("question", "sentence")


def benchmark_texts(
    references: tuple[str, ...], workspace: Workspace
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(questions, passages) of the items in all benchmark files, each as (benchmark, text); a benchmark is named by its
    folder. Raises BadInput for a reference that is no asset."""
    questions, passages = [], []
    for reference in references:
        if not reference.startswith("asset:"):
            raise BadInput(
                f"section 'data', key 'benchmarks': '{reference}': give `asset:<asset>/<path>` (only assets are pinned)"
            )
        name = f"benchmark {Path(reference).parent.name}"
        for row in _rows(asset_path(reference, workspace)):
            questions += [(name, row[field]) for field in QUESTION_FIELDS if row.get(field)]
            passages += [(name, row["passage"])] if row.get("passage") else []
    return questions, passages


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file if line.strip()]
