"""Ctrl-C and SIGTERM end a command within `GRACE` seconds and a little, whatever it is doing.

The signal is raised in the main thread as `Interrupted`, so that a run writes its summary and stops its servers. That thread
may sit in a library's loop, and Prefect's flow engine takes SIGTERM for itself. So a second thread learns of every signal
from the interpreter (`signal.set_wakeup_fd`), and when the grace is over, it kills the children and ends the process: a run
is made to bear that at any moment.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE = 4.0
"""Seconds that the main thread has to come to an end by itself."""
SENTENCE = "ninefold: {word}; sealed steps are kept, run again to go on"
ASKED = {signal.SIGINT: "interrupted", signal.SIGTERM: "stopped"}


class Interrupted(KeyboardInterrupt):
    """A signal asked this process to end: no `except Exception` on the way up may keep it."""

    def __init__(self, number: int) -> None:
        super().__init__(ASKED[signal.Signals(number)])
        self.exit_code = 128 + number


class Signals:
    """The signals that asked this process to end, oldest first, and whether the user was told."""

    usual = False
    """Set by a command that a signal ends in the usual way, with servers to stop and code 0 (`ninefold ui`)."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self._told = threading.Event()
        self._terminal = os.dup(2)  # a view sends 1 and 2 to the run's log

    def take(self, number: int, _: FrameType | None = None) -> None:
        """Note signal `number`, in the main thread: what it does there ends."""
        self.came.append(number)
        raise Interrupted(number)

    def tell(self) -> int:
        """Say once that the command was ended, and by what; returns the exit code."""
        number = next(iter(self.came), signal.SIGINT)
        if not self._told.is_set():
            self._told.set()
            clear = "\r\x1b[2K" if os.isatty(self._terminal) else ""
            os.write(self._terminal, f"{clear}{SENTENCE.format(word=ASKED[signal.Signals(number)])}\n".encode())
        return 128 + number

    def watch(self, reader: int) -> None:
        """Wait for a signal in a thread of its own; end the process where it lives for longer than the grace."""
        while numbers := os.read(reader, 16):
            if (asked := [number for number in numbers if number in ASKED]) and not Signals.usual:
                self.came += asked
                break
        else:
            os.close(reader)
            return
        import psutil  # late, as everything that `--help` does not need

        time.sleep(GRACE)
        for child in psutil.Process().children(recursive=True):
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue  # it ended by itself
        os._exit(self.tell())


@contextmanager
def interruptible() -> Iterator[Signals]:
    """While this lasts, signals end the command as said above."""
    signals = Signals()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, signals.take) for number in ASKED}
    woken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=signals.watch, args=(reader,), name="signals", daemon=True).start()
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        if not signals.came:  # else the thread is left to end what does not end by itself
            os.close(writer)
