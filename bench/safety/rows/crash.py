"""`kill -9` at every boundary of an effect, by name, and at random times of a whole run; then the run is repeated.

A boundary is before or after an effect: what goes through the ledger (before, after, and once it is recorded), a seal, a run
or a prompt in MLflow, the card, the endpoint's process. All of a run from evaluation on are killed at, one by one, in a
workspace whose earlier stages are sealed. What a resumed run left is compared with an uninterrupted one: digests, seals,
model versions, moves of aliases, MLflow's runs. Seals and MLflow's runs of earlier stages: by random times alone.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from bench.safety import Cases, Tries, Try

if TYPE_CHECKING:
    from tests.conftest import Finished

PROMISE = "Crash-safe run"
TRIES = {
    "boundaries": Tries("boundaries of effects at which a kill loses or doubles something, or changes a digest", 0, 1),
    "random times": Tries("kills at a random time of a whole run that do so", 100, 0),
}


@contextmanager
def ready(folder: Path, finished: "Callable[[], Finished]") -> Iterator[dict[str, Try | Cases]]:
    from bench.safety import runs
    from tests.conftest import new_home

    unbroken, places = finished(), count()
    prepared = runs.before_effects(unbroken, folder / "prepared" / "home")
    with runs.prefect(folder / "server") as servers:
        home = Path(shutil.copytree(prepared, folder / "listed" / "home", symlinks=True))
        listed = folder / "boundaries"
        done = runs.victim(home, servers, "--list", str(listed)).ended(900)
        assert done.returncode == 0, done.stderr[-500:]
        boundaries = list(dict.fromkeys(listed.read_text().splitlines()))
        took = 0.0

        def boundary(name: str) -> None:
            own = folder / str(next(places))
            home = Path(shutil.copytree(prepared, own / "home", symlinks=True))
            assert runs.victim(home, servers, name).ended(900).returncode == -9, f"{name}: it was not killed"
            ended_as(home, name)

        def at_random(number: int) -> None:
            nonlocal took
            own = folder / str(next(places))
            began = time.monotonic()
            if not took:
                ended_as(new_home(own / "first" / "home"), "an unbroken run")
                took = time.monotonic() - began
            run = runs.started(new_home(own / "home"), servers)
            time.sleep(random.Random(number).uniform(0, took))
            if run.poll() is None:
                run.kill()
            ended_as(own / "home", f"try {number}")

        def ended_as(home: Path, what: str) -> None:
            try:
                runs.ended_as(unbroken, home, servers)
            except AssertionError as error:
                raise AssertionError(f"{what}: {error}") from error
            shutil.rmtree(home)

        yield {"boundaries": Cases(boundaries, boundary), "random times": at_random}
