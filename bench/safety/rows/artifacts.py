"""The zoo of `tests/zoo.py` through every way in, and clean checkpoints of every kind, each through its own test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bench.safety import Cases, Tries

PROMISE = "No code from artifacts"
TRIES = {
    "zoo": Tries("ways in by which a folder that runs code, or reads elsewhere, is taken", 0, 12),
    "clean": Tries("clean checkpoints that are refused", 0, 4),
}


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Cases]]:
    import pytest

    from components.application.two_layer import make_two_layer
    from tests.application import test_checkpoints
    from tests.core import test_artifacts
    from tests.zoo import ZOO

    clean, places = folder / "clean", count()
    clean.mkdir()
    make_two_layer(clean)

    @contextmanager
    def place() -> Iterator[tuple[Path, Path]]:
        """A folder for one try, and a copy of the clean checkpoint in it."""
        own = folder / str(next(places))
        copy = Path(shutil.copytree(clean, own / "mine" / "folder"))
        yield own, copy
        shutil.rmtree(own)

    def through(case: tuple[str, str]) -> None:
        entry, beast = case
        with place() as (own, copy), pytest.MonkeyPatch.context() as patch:
            if entry == "look":
                test_artifacts.test_nothing_but_a_checkpoint_is_taken(beast, copy, own)
            elif entry == "store":
                test_artifacts.test_an_object_put_into_the_store_by_hand_is_not_opened(beast, copy, own)
            else:
                test_checkpoints.test_what_is_no_checkpoint_leaves_nothing_in_the_store(beast, entry, copy, own, patch)

    def taken(kind: str) -> None:
        with place() as (own, copy):
            test_artifacts.test_a_clean_checkpoint_is_taken(kind, copy, own)

    entries = ("look", "store", "folder", "hub", "archive")
    ways = [
        (entry, beast) for entry in entries for beast in ZOO if (entry, beast in test_checkpoints.LINKS) != ("archive", True)
    ]
    yield {"zoo": Cases(ways, through), "clean": Cases(list(test_artifacts.CLEAN), taken)}
