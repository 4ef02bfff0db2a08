"""What a crash may leave on the disk: the states between which code that publishes files moves, drawn at random.

A `Recording` watches a folder while code runs: what lies there before and after every call that makes something durable or
changes a folder (fsync, rename, link, unlink, mkdir). A crash state is what a file system may show after the power went in
one of these moments: names as of that moment or of an earlier one, no earlier than the last fsync of a folder (names change
in order, as ext4 and XFS keep them); of each file that was not synced since it was written any prefix, also none.
Not covered: file systems that reorder names, bytes that turn, SQLite's own files (its tests are SQLite's; ours kill it).
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

CALLS = ("rename", "replace", "link", "unlink", "remove", "rmdir", "mkdir")


class Moment(NamedTuple):
    """What lay in the folder: relative path → (inode, bytes; None: a folder), what was synced, since when names are."""

    there: dict[str, tuple[int, bytes | None]]
    synced: dict[int, bytes]
    named: int
    """Number of the moment at which names were last made durable."""


class Recording:
    """The moments of code that ran inside `watching`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moments: list[Moment] = []
        self._synced: dict[int, bytes] = {}
        self._named = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record what the code in this block does to the folder."""
        import pytest

        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self._around(getattr(os, name)))
            patch.setattr(os, "fsync", self._syncing(os.fsync))
            self._look()
            self._synced = {inode: content for inode, content in self.moments.pop().there.values() if content is not None}
            self._look()  # what was there before has long been durable
            yield
            self._look()

    def _around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            self._look()
            try:
                return real(*given, **more)
            finally:
                self._look()

        return call

    def _syncing(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            self._look()
            real(descriptor)
            inode = os.fstat(descriptor).st_ino
            for found, content in self.moments[-1].there.values():
                if found == inode and content is not None:
                    self._synced[inode] = content
                elif found == inode:
                    self._named = len(self.moments)
            self._look()

        return call

    def _look(self) -> None:
        there: dict[str, tuple[int, bytes | None]] = {}
        for path in [self.folder, *sorted(self.folder.rglob("*"))]:
            name = path.relative_to(self.folder).as_posix()
            there[name] = (path.stat().st_ino, None if path.is_dir() else path.read_bytes())
        self.moments.append(Moment(there, dict(self._synced), self._named))

    def crash(self, number: int, into: Path) -> tuple[Moment, bool]:
        """Draw crash state `number` and lay it out in the new folder `into`. Returns the moment of the crash, and whether
        the code had returned."""
        draw = random.Random(number)
        at = draw.randrange(len(self.moments)) if draw.random() < 0.9 else len(self.moments) - 1
        moment = self.moments[at]
        names = self.moments[draw.randint(min(moment.named, at), at)]
        latest = dict(moment.there.values())
        for name, (inode, content) in names.there.items():
            path = into / name
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
                continue
            written = latest.get(inode) or content
            path.write_bytes(written if moment.synced.get(inode) == written else _prefix(written, draw))
        return moment, at == len(self.moments) - 1


def _prefix(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.choice((0, len(content), draw.randint(0, len(content))))]
