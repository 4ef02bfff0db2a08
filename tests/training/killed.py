"""Trainings to be killed, each a process forked from one that has imported everything (importing takes ten seconds)."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

from components.training import loop
from components.training.checkpoints import newest_whole

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["tests.training.killed", "tests.training.test_techniques"])


def slowly(train: Callable[..., object], *given: object) -> None:
    """`train(*given)`, a pause after each step."""
    step = loop.Watch.on_step_end

    def slow(self: loop.Watch, *args: object, **more: object) -> None:
        step(self, *args, **more)
        time.sleep(0.3)

    loop.Watch.on_step_end = slow
    train(*given)


def started(train: Callable[..., object], *given: object) -> BaseProcess:
    """A process that runs `slowly(train, *given)`."""
    process = FORKED.Process(target=slowly, args=(train, *given))
    process.start()
    return process


def kill(process: BaseProcess, when: Callable[[], bool], within: float = 120) -> None:
    """Kill `process` as soon as `when()`; fails where it ends before."""
    until = time.monotonic() + within
    try:
        while not when():
            assert process.is_alive(), "the training ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()


def killed_after_a_checkpoint(scratch: Path, train: Callable[..., object], *given: object) -> None:
    """Run `train(*given)`, which builds in `scratch`, and kill it once a whole checkpoint lies there."""
    kill(started(train, *given), lambda: newest_whole(scratch / "checkpoints") is not None)
