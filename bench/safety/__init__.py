"""What Ninefold promises, tried again and again: `make safety`. A file in `rows/` measures one promise.

A file of `rows/` defines

    PROMISE            what is promised, in words of the page
    TRIES              short name → `Tries`: what is tried, how often, and what share of it may fail
    ready(folder, finished)   a context manager that yields short name → `Try`, or → `Cases`: what there is to try, in full.
                       folder: empty, its own (the workspace of its endpoints is `home` in it); finished: gives the
                       workspace of a finished smoke run, made where it must be

A try takes its number, draws what it needs from it, and returns how many it made (None: as many as `Tries.each` says). Where
the promise does not hold it raises AssertionError, or an error of Ninefold's own; what else it raises ends the measurement.
Tries reuse the machinery of `tests/`, often a test itself, and never hold a copy of it.

A measurement may be killed at any time: how far each row came is kept after every try, and the next one goes on from there
while the code is the same. Not covered: how fast anything is (`make bench`).
"""

import random
import shutil
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from components.core import Frozen, NinefoldError, Workspace, digest_of, file_digest, publish_json
from components.core.code import ROOT
from components.core.files import read_json

if TYPE_CHECKING:
    from tests.conftest import Finished

ROWS = tuple(sorted(path.stem for path in (Path(__file__).parent / "rows").glob("[a-z]*.py")))
PUBLISHED = ROOT / "docs" / "safety.json"
CODE = ("components", "flows")
"""Folders whose change makes a figure another one, as a change of its row does: what was counted before is not added to."""
KEPT_EVERY = 1.0
"""Seconds between two looks at the disk: a kill costs the tries of the last one at most."""
CHANCE = 0.001
"""A share that may fail is exceeded where chance alone would give so many failures more rarely than this."""

Try = Callable[[int], int | None]


class Cases(NamedTuple):
    """A list of which each is tried once, in place of endless draws."""

    cases: Sequence[Any]
    try_one: Callable[[Any], None]


class Tries(NamedTuple):
    """How often something is tried. full: as promised (of `Cases`, that is each of them). small: in the tests."""

    what: str
    """What counts as a failure, in the plural."""
    full: int
    small: int
    allowed: float = 0.0
    """Share that may fail."""
    each: int = 1
    """Tries that one call makes."""


class Row(Protocol):
    """A file of `rows/`."""

    PROMISE: str
    TRIES: Mapping[str, Tries]

    def ready(
        self, folder: Path, finished: "Callable[[], Finished]"
    ) -> AbstractContextManager[Mapping[str, Try | Cases]]: ...


class Count(Frozen):
    """How far one figure came."""

    calls: int = 0
    n: int = 0
    faults: tuple[str, ...] = ()
    seconds: float = 0.0


class Figure(Frozen):
    """One figure as it is published."""

    what: str
    failed: int
    n: int
    allowed: float
    of: int
    """How many cases the list has that these are from; 0: draws, of which there is no end."""
    date: str
    commit: str
    seconds: float
    faults: tuple[str, ...] = ()
    """The first few."""

    @property
    def at_most(self) -> float:
        """Upper limit of the share that fails, one-sided 95 % (Clopper and Pearson 1934); of draws only."""
        from scipy.stats import beta

        return 1.0 if self.failed == self.n else float(beta.ppf(0.95, self.failed + 1, self.n - self.failed))

    @property
    def holds(self) -> bool:
        """Whether what failed is within what may fail, as far as so many tries can tell."""
        from scipy.stats import binom

        return self.failed == 0 or float(binom.sf(self.failed - 1, self.n, self.allowed)) >= CHANCE


def row(name: str) -> Row:
    """The file `name` of `rows/`."""
    return cast(Row, import_module(f"bench.safety.rows.{name}"))


def measure(
    name: str, work: Path, finished: "Callable[[], Finished]", n: int | str | None = None, seconds: float | None = None
) -> dict[str, Figure]:
    """Every figure of a row that was tried at all, going on from what `work` holds of an earlier, killed measurement.

    n: tries of each figure, at most as many as promised, or "small"; None: as many as promised.
    seconds: time for each figure, after which it stops
    """
    asked = row(name)
    kept, code = work / f"{name}.json", code_now(name)
    counts = _kept(kept, code)
    folder = _emptied(work / name)
    figures: dict[str, Figure] = {}
    with asked.ready(folder, finished) as trying:
        for key, tries in asked.TRIES.items():
            call, full = _calls(trying[key], tries)
            wanted = full if n is None else min(full, tries.small if n == "small" else int(n))
            until = time.monotonic() + (seconds or float("inf"))
            for count in _counted(call, counts.get(key, Count()), wanted, tries.each, until):
                counts[key] = count
                publish_json(kept, {"code": code, "counts": counts})
            if key in counts and counts[key].n:
                figures[key] = _figure(tries, counts[key], full if isinstance(trying[key], Cases) else 0)
    return figures


def _calls(trying: Try | Cases, tries: Tries) -> tuple[Try, int]:
    """A function of a number, and how many tries are promised. Cases come shuffled: a few of them are of all kinds."""
    if not isinstance(trying, Cases):
        return trying, tries.full
    cases = random.Random(0).sample(list(trying.cases), len(trying.cases))
    return lambda number: trying.try_one(cases[number]), len(cases)


def _counted(call: Try, count: Count, wanted: int, each: int, until: float) -> Iterator[Count]:
    """Tries until `wanted` are done; gives the count every second and at the end."""
    kept = time.monotonic()
    while count.n < wanted and time.monotonic() < until:
        began = time.monotonic()
        made, fault = _tried(call, count.calls)
        ended = time.monotonic()
        count = Count(
            calls=count.calls + 1,
            n=count.n + (each if made is None else made),
            faults=(*count.faults, *([fault] if fault else [])),
            seconds=round(count.seconds + ended - began, 3),
        )
        if ended - kept > KEPT_EVERY:
            yield count
            kept = ended
    yield count


def _tried(call: Try, number: int) -> tuple[int | None, str]:
    """How many tries a call made, and why the promise did not hold in one; empty where it did."""
    import pytest

    try:
        return call(number), ""
    except (AssertionError, NinefoldError, pytest.fail.Exception) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = str(error).partition("\n")[0] or place.line
        return None, f"try {number}: {said} ({Path(place.filename).name}:{place.lineno})"


def _figure(tries: Tries, count: Count, of: int) -> Figure:
    return Figure(
        what=tries.what,
        failed=len(count.faults),
        n=count.n,
        allowed=tries.allowed,
        of=of,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=commit(),
        seconds=round(count.seconds, 1),
        faults=count.faults[:3],
    )


def publish(name: str, figures: Mapping[str, Figure], path: Path = PUBLISHED) -> None:
    """Add a row's figures to what is published. One of fewer tries replaces none of more, unless something failed."""
    found = published(path)
    before = found.get(name, {})
    news = {key: one for key, one in figures.items() if key not in before or one.failed or one.n >= before[key].n}
    rows = found | {name: before | news}
    publish_json(path, {one: rows[one] for one in sorted(rows) if rows[one]})


def published(path: Path = PUBLISHED) -> dict[str, dict[str, Figure]]:
    """Row → short name → figure."""
    content = read_json(path) if path.exists() else {}
    return {name: {key: Figure.model_validate(one) for key, one in row.items()} for name, row in content.items()}


def code_now(name: str = "") -> str:
    """Digest of the code that figures depend on (of row `name`)."""
    files = sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))
    own = [Path(__file__).parent / "rows" / f"{name}.py"]
    return digest_of({path.relative_to(ROOT).as_posix(): file_digest(path) for path in (*files, *own) if path.exists()})


def commit() -> str:
    """The commit that is checked out; `+` behind it: its code was changed since."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", *CODE, "bench", "tests"], cwd=ROOT, check=False)
    return head.stdout.strip() + ("+" if changed.returncode else "")


def _kept(path: Path, code: str) -> dict[str, Count]:
    content = read_json(path) if path.exists() else {}
    if content.get("code") != code:
        return {}
    return {key: Count.model_validate(count) for key, count in content["counts"].items()}


def _emptied(folder: Path) -> Path:
    """The folder, empty; endpoints that a killed measurement left there are stopped."""
    from components.serving import all_kept, stop

    for endpoint in all_kept(Workspace(folder / "home")) if folder.exists() else ():
        stop(Workspace(folder / "home"), endpoint.name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
