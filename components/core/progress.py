"""Progress on long work, and the curves of trainings, for whoever listens: the command line's live view, MLflow, or nobody.

for batch in progress(batches, "answering validation"): ...
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")
Listener = Callable[[str, int, int | None], None]
"""Called with what is being done, how many are done, and how many there are (None: not known)."""

Plotter = Callable[[str, int, Mapping[str, float]], None]
"""Called with what is trained, the step, and the figures of that step; with the same step again when a training resumes."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
_plotter: ContextVar[Plotter | None] = ContextVar("plotter", default=None)
_part: ContextVar[str] = ContextVar("part", default="")


def listener_here() -> Listener | None:
    """Who listens to reports made here: another listener may hand them on."""
    return _listener.get()


def report(what: str, done: int = 0, total: int | None = None) -> None:
    """Say where the work stands."""
    if listener := _listener.get():
        listener(what + _part.get(), done, total)


def plot(what: str, step: int, figures: Mapping[str, float]) -> None:
    """Show the figures of one step of a training."""
    if plotter := _plotter.get():
        plotter(what + _part.get(), step, figures)


def progress(items: Collection[Item], what: str) -> Iterator[Item]:
    """Yield `items`, reporting each one that is finished."""
    total = len(items)
    report(what, 0, total)
    for done, item in enumerate(items, 1):
        yield item
        report(what, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send reports to `listener` inside this block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def plotting(plotter: Plotter) -> Iterator[None]:
    """Send the curves of trainings to `plotter` inside this block."""
    token = _plotter.set(plotter)
    try:
        yield
    finally:
        _plotter.reset(token)


@contextmanager
def part(name: str) -> Iterator[None]:
    """Inside this block, work is reported and plotted with `name` behind what it is: of several trainings in one step each
    has a curve of its own."""
    token = _part.set(f" {name}")
    try:
        yield
    finally:
        _part.reset(token)
