"""A measurement of 200 rows, killed at a random moment and taken up again: its per-example table, byte by byte."""

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bench.safety import Tries, Try
from tests import warm

PROMISE = "Evaluation resumes"
TRIES = {"kills": Tries("kills after which the per-example table has other bytes", 50, 2)}
CHUNKS = 7


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    from bench.safety.victims import evaluate, world
    from components.core import Store
    from tests.conftest import environment

    def table(home: Path) -> bytes:
        return Store(home / "store").file(evaluate(str(home)).table).read_bytes()

    prepared, places = folder / "prepared", count()
    world(prepared)
    unbroken = table(Path(shutil.copytree(prepared, folder / "unbroken")))

    def kills(number: int) -> None:
        draw, home = random.Random(number), folder / f"killed-{next(places)}"
        shutil.copytree(prepared, home)
        victim = warm.Started(["bench.safety.victims", "evaluate", str(home)], environment(home), home)
        _wait(victim, home, draw.randrange(CHUNKS - 1))
        time.sleep(draw.uniform(0, 0.3))
        victim.kill()
        journal = _journal(home)
        assert table(home) == unbroken, f"killed with {journal} of {CHUNKS} chunks in its journal"
        shutil.rmtree(home)

    yield {"kills": kills}


def _wait(victim: "warm.Started", home: Path, chunks: int) -> None:
    while _journal(home) < chunks:
        assert victim.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)


def _journal(home: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (home / "store/scratch").glob("*/answers.jsonl"))
