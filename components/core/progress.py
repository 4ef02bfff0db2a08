"""Progress on long work, for whoever listens: the command line's live view, or nobody.

for batch in progress(batches, "answering validation"): ...
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")
Listener = Callable[[str, int, int | None], None]
"""Called with what is being done, how many are done, and how many there are (None: not known)."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def listener_here() -> Listener | None:
    """Who listens to reports made here: another listener may hand them on."""
    return _listener.get()


def report(what: str, done: int = 0, total: int | None = None) -> None:
    """Say where the work stands."""
    if listener := _listener.get():
        listener(what, done, total)


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
