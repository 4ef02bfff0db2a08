"""Training of the two-layer model, killed after a random step or inside a save, by every technique in turn, and resumed.

What is compared are the SHA-256 of every file that the technique saves with those of a training that nobody killed.
"""

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bench.safety import Tries, Try

PROMISE = "Training resumes"
TRIES = {
    "steps": Tries("kills at random steps after which the trained files differ from an unbroken training's", 20, 1),
    "saves": Tries("kills inside a save after which they differ", 10, 1),
}
STEPS, SAVES, CALLS = 12, 5, 14
"""Of a training; calls to the disk in a save that also drops an old checkpoint."""


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    from components.training import TECHNIQUES
    from tests import warm
    from tests.conftest import environment
    from tests.training.test_techniques import train, weights
    from tests.tuning.small import new_step, small_candidate, small_dataset

    step = new_step(folder / "home")
    candidate = small_candidate(small_dataset(step), step)
    assert candidate.model
    base = step.store.path(candidate.model.object)

    @cache
    def unbroken(technique: str) -> dict[str, str]:
        return weights(train(technique, base, folder / "unbroken" / technique).folder)

    def resumed(number: int, where: str, *when: object) -> None:
        technique, scratch = TECHNIQUES[number % len(TECHNIQUES)], folder / f"{where}-{number}"
        scratch.mkdir()
        command = ["bench.safety.victims", "train", technique, str(base), str(scratch), where, *map(str, when)]
        victim = warm.Started(command, environment(folder / "home"), scratch)
        assert victim.ended(600).returncode == -signal.SIGKILL, (scratch / "stderr").read_text()[-300:]
        assert weights(train(technique, base, scratch).folder) == unbroken(technique)

    def steps(number: int) -> None:
        draw = random.Random(number)
        resumed(number, "step", draw.randint(1, STEPS - 1), draw.uniform(0, 0.05))

    def saves(number: int) -> None:
        draw = random.Random(number)
        resumed(number, "save", draw.randint(1, SAVES), draw.randint(1, CALLS))

    yield {"steps": steps, "saves": saves}
