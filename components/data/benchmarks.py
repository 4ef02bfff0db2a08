"""The benchmark items that evaluation draws its samples from, as what training must not have seen: as they are asked."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from components.core import BadInput, Workspace, asset_path
from components.core.hub_task import HubTask, read_split
from components.text.leaks import Item

QUESTION_FIELDS = (
    *("question", "sentence", "text", "stereotype", "anti-stereotype"),
    *("question1", "question2", "sentence1", "sentence2", "premise", "hypothesis", "query", "inputs"),
)
"""Of the packaged samples, and of GLUE, SuperGLUE, MMLU and BIG-bench on the hub."""
PASSAGE_FIELDS = ("passage", "paragraph")
MASK = "[MASK]"
_LETTER = re.compile(r"^[A-J]\. ")
_WORD_OPTION = re.compile(r"^[AB]\. (\w+)$", re.MULTILINE)


def benchmark_items(
    references: Sequence[str], hub: Iterable[HubTask], workspace: Workspace
) -> tuple[list[Item], list[tuple[Item, str]]]:
    """(questions with their answers, passages) of the items in all benchmark files and of the hub's tasks; a benchmark is
    named by its folder or task, an item by its place. Raises BadInput for a reference that is no asset, MachineFault where
    the data of a task is not what was pinned."""
    questions, passages = [], []
    for name, rows in [*_packaged(references, workspace), *_of_hub(hub, workspace)]:
        for place, row in enumerate(rows):
            answer = _answer(row)
            asked = [filled for text in _texts(row, QUESTION_FIELDS) for filled in _filled(text, row)]
            questions += [Item(name, str(place), text, answer) for text in asked]
            passages += [(Item(name, str(place)), text) for text in _texts(row, PASSAGE_FIELDS)]
    return questions, passages


def _packaged(references: Sequence[str], workspace: Workspace) -> Iterable[tuple[str, list[dict[str, object]]]]:
    for reference in references:
        yield f"benchmark {Path(reference).parent.name}", _rows(asset_path(reference, workspace))


def _of_hub(tasks: Iterable[HubTask], workspace: Workspace) -> Iterable[tuple[str, list[dict[str, object]]]]:
    """Of each task the rows that are asked; its training rows may be trained on."""
    for task in tasks:
        yield f"benchmark {task.name}", read_split(task, task.asked, workspace).to_pylist()


def _texts(row: Mapping[str, object], fields: Sequence[str]) -> list[str]:
    """The texts in those of the fields that the row has."""
    return [cast(str, row[field]) for field in fields if row.get(field)]


def _filled(text: str, row: Mapping[str, object]) -> list[str]:
    """The text as it is scored: with each of the words that stand for its mask (CrowS-Pairs, Wino-test)."""
    if MASK not in text:
        return [text]
    fillers = _texts(row, ("mask1", "mask2")) or _WORD_OPTION.findall("".join(_texts(row, ("options",))))
    return [text.replace(MASK, filler) for filler in fillers] or [text]


def _answer(row: Mapping[str, object]) -> str:
    """The words of an item's answer; of several the first. A number, a truth value, or an answer that is to be judged, has
    none."""
    given = row.get("answer", row.get("targets", row.get("answers")))
    choices = row.get("choices")
    if isinstance(given, int) and isinstance(choices, list):
        given = choices[given]
    first = given[0] if isinstance(given, list) and given else given
    return _LETTER.sub("", first) if isinstance(first, str) and "label" not in row else ""


def _rows(path: Path) -> list[dict[str, object]]:
    """The items of a file; raises BadInput, with the item, for one that has no fields, or no text where one belongs."""
    rows: list[dict[str, object]] = []
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
