"""Crash states of everything that publishes files, drawn by `bench.safety.disk`, read by the code that reads them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bench.safety import Tries, Try
from bench.safety.disk import Moment, Recording
from components.core import Seal, Store, publish_json
from components.core.files import publish_private, read_json

PROMISE = "No torn files"
TRIES = {
    "published": Tries("crash states in which a file, object or seal is torn, or lost once it was acknowledged", 1000, 60),
    "checkpoints": Tries("crash states in which a torn checkpoint is resumed, or the one before it is gone", 1000, 30),
}


class Writer(NamedTuple):
    """Code that publishes: what is there before, what it does, and what must hold in a crash state (had it returned?)."""

    before: Callable[[Path], object]
    act: Callable[[Path], object]
    holds: Callable[[Path, bool], None]


OLD, NEW = {"rows": list(range(300))}, {"rows": list(range(400))}
SEAL = Seal(key="k" * 64, name="step", result={"rows": list(range(300))})


def _json(folder: Path, returned: bool) -> None:
    assert read_json(folder / "value.json") in ((NEW,) if returned else (OLD, NEW))


def _private(folder: Path, returned: bool) -> None:
    path = folder / "key"
    assert path.read_bytes() == b"k" * 5000 if path.exists() else not returned


def _source(folder: Path) -> Path:
    made = folder / "scratch" / "made"
    (made / "inner").mkdir(parents=True)
    for number, name in enumerate(("rows.jsonl", "inner/weights.bin", "notes.txt")):
        (made / name).write_bytes(bytes([number]) * 3000)
    return made


def _objects(folder: Path, returned: bool) -> None:
    objects = [path.name for path in (folder / "objects").glob("[0-9a-f]*") if (path / "manifest.json").is_file()]
    assert Store(folder).damaged(objects) == []
    assert len(objects) == 1 if returned else len(objects) <= 1


def _seal(folder: Path, returned: bool) -> None:
    paths = list((folder / "steps").glob("[!.]*.json"))
    assert [Seal.model_validate(read_json(path)) for path in paths] in (([SEAL],) if returned else ([], [SEAL]))


def _copied(folder: Path, returned: bool) -> None:
    _objects(folder / "bundle", returned)


def _copy(folder: Path) -> None:
    store = Store(folder)
    (digest,) = (path.name for path in (folder / "objects").iterdir())
    store.copy_to(Store(folder / "bundle"), [digest])


WRITERS = (
    Writer(lambda f: publish_json(f / "value.json", OLD), lambda f: publish_json(f / "value.json", NEW), _json),
    Writer(lambda f: None, lambda f: publish_private(f / "key", b"k" * 5000), _private),
    Writer(_source, lambda f: Store(f).put(f / "scratch" / "made"), _objects),
    Writer(lambda f: (f / "steps").mkdir(), lambda f: Store(f).seal(SEAL), _seal),
    Writer(lambda f: Store(f).put(_source(f)), _copy, _copied),
)


@contextmanager
def ready(folder: Path, finished: object) -> Iterator[dict[str, Try]]:
    places = count()
    recorded = [_recorded(writer, folder / f"writer-{number}") for number, writer in enumerate(WRITERS)]
    trained: list[Recording] = []

    def laid_out(recording: Recording, number: int) -> tuple[Path, Moment, bool]:
        into = folder / f"state-{next(places)}"
        return into, *recording.crash(number, into)

    def published(number: int) -> None:
        place = number % len(WRITERS)
        into, _, returned = laid_out(recorded[place], number)
        WRITERS[place].holds(into, returned)
        shutil.rmtree(into)

    def checkpoints(number: int) -> None:
        if not trained:
            trained.append(_training(folder / "training"))
        into, moment, _ = laid_out(trained[0], number)
        _resumable(into, moment)
        shutil.rmtree(into)

    yield {"published": published, "checkpoints": checkpoints}


def _recorded(writer: Writer, folder: Path) -> Recording:
    folder.mkdir()
    writer.before(folder)
    recording = Recording(folder)
    with recording.watching():
        writer.act(folder)
    return recording


def _training(folder: Path) -> Recording:
    """A real training of twelve steps that saves after every second one."""
    from tests.training.test_techniques import train
    from tests.tuning.small import new_step, small_candidate, small_dataset

    step = new_step(folder / "home")
    candidate = small_candidate(small_dataset(step), step)
    assert candidate.model
    checkpoints = folder / "scratch" / "checkpoints"
    checkpoints.mkdir(parents=True)
    recording = Recording(checkpoints)
    with recording.watching():
        train("lora", step.store.path(candidate.model.object), folder / "scratch")
    return recording


def _resumable(folder: Path, moment: Moment) -> None:
    """What is resumed is whole (it says so itself), and no older than the last but one that there was."""
    from components.training.checkpoints import newest_whole

    names = sorted(name for name, (_, content) in moment.there.items() if name.startswith("step-") and "/" not in name)
    found = newest_whole(folder)
    if len(names) > 1:
        assert found is not None, f"none of {names} can be resumed"
        assert found.name >= names[-2], f"{found.name} is resumed, of {names}"
