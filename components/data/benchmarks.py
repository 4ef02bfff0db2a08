"""The benchmark items that evaluation draws its samples from, as what training must not have seen."""

import csv
import json
import re
from pathlib import Path
from typing import Any

from components.core import BadInput, Workspace, asset_path
from components.measure.leaks import Item

QUESTION_FIELDS = ("question", "sentence", "text", "stereotype", "anti-stereotype")
_LETTER = re.compile(r"^[A-J]\. ")


def benchmark_items(references: tuple[str, ...], workspace: Workspace) -> tuple[list[Item], list[tuple[Item, str]]]:
    """(questions with their answers, passages) of the items in all benchmark files; a benchmark is named by its folder, an
    item by its place in the file. Raises BadInput for a reference that is no asset."""
    questions, passages = [], []
    for reference in references:
        if not reference.startswith("asset:"):
            raise BadInput(
                f"section 'data', key 'benchmarks': '{reference}': give `asset:<asset>/<path>` (only assets are pinned)"
            )
        name = f"benchmark {Path(reference).parent.name}"
        for place, row in enumerate(_rows(asset_path(reference, workspace))):
            answer = _answer(row.get("answer"))
            questions += [Item(name, str(place), row[field], answer) for field in QUESTION_FIELDS if row.get(field)]
            passages += [(Item(name, str(place)), row["passage"])] if row.get("passage") else []
    return questions, passages


def _answer(given: Any) -> str:
    """The words of an item's answer; of several the first. A number or a truth value has none."""
    first = given[0] if isinstance(given, list) and given else given
    return _LETTER.sub("", first) if isinstance(first, str) else ""


def _rows(path: Path) -> list[dict[str, Any]]:
    """The items of a file; raises BadInput, with the item, for one that has no fields, or no text where one belongs."""
    rows: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, filter(str.strip, file)):
                texts = [row.get(name) or "" for name in (*QUESTION_FIELDS, "passage")]
                if not all(isinstance(text, str) for text in texts):
                    raise ValueError("a question or passage is no text")
                rows.append(row)
    except (ValueError, AttributeError, csv.Error, RecursionError) as error:
        raise BadInput(
            f"{path}, item {len(rows) + 1}: no benchmark item ({error}). Correct the file, or remove its asset's folder, so "
            "that the next run fetches it again"
        ) from error
    return rows
