"""What Prefect's pages show of a run while it goes on: what its stages log, and one bar of how far it is.

Without it a page is silent until a stage ends, which may take minutes. Only our own loggers are sent on: what libraries say
goes to the run's log file. Where the server does not answer, the run goes on and its log file says so.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging.handlers import APILogHandler

from components.core.code import PACKAGES
from components.core.progress import Listener, listener_here, listening

logger = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds between two moves of the bar; each is one call of some 20 ms."""


class Bar:
    """Listens to progress reports, moves the bar, and hands them on."""

    def __init__(self, use_case: str, then: Listener | None) -> None:
        self._then, self._told = then, 0.0
        self._place, self._percent = "starting", 0.0
        artifact = create_progress_artifact(0.0, key=f"{use_case}-progress".replace("_", "-"), description=self._place)
        assert isinstance(artifact, UUID), "called from a flow that is not async"
        self._artifact = artifact

    def listen(self, what: str, done: int, total: int | None) -> None:
        """Take one report; `stage:<word>` starts a stage."""
        if self._then:
            self._then(what, done, total)
        entered = what.startswith("stage:")
        if entered:
            word = what.removeprefix("stage:")
            self._place = f"{word} {done}/{total}" if done else word
            self._percent = 100 * max(done - 1, 0) / (total or 1)
        if entered or time.monotonic() - self._told >= EVERY:
            counts = f" {done}/{total}" if total else ""
            self.move(self._percent, self._place if entered else f"{self._place}: {what}{counts}")

    def move(self, percent: float, description: str) -> None:
        """Show `percent` (0 to 100) and a line about it."""
        self._told = time.monotonic()
        try:
            update_progress_artifact(self._artifact, percent, description=description)
        except httpx.HTTPError as error:
            logger.warning("Prefect's page does not show how far the run is: %s", error)


@contextmanager
def shown_on_its_page(use_case: str) -> Iterator[None]:
    """While this lasts, inside a flow, its page shows what is logged and how far it is."""
    handler = APILogHandler(level=logging.INFO)
    ours = [logging.getLogger(name) for name in PACKAGES]
    bar = Bar(use_case, listener_here())
    for one in ours:
        one.addHandler(handler)
    try:
        with listening(bar.listen):
            yield
        bar.move(100.0, "ended")
    finally:
        for one in ours:
            one.removeHandler(handler)
