"""`python -m` in processes forked from one that has imported already, each with a session, environment and files of its own.

A command's own second or two, and a run's ten, go into importing the same libraries. The tests start some hundred of them;
the standard library's fork server imports once for each pytest process. What must start as a user's does (the README's
commands, the shared run, what is timed) starts its own interpreter: `conftest.ninefold(..., fork=False)`.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from components.core.code import ROOT
from flows.start import QUIET

IMPORTED = (
    "flows.start", "torch", "transformers", "mlflow", "mlflow.store.tracking.sqlalchemy_store", "great_expectations",
    "pandas", "sklearn.feature_extraction.text", "peft", "nltk.stem.porter", "matplotlib.backends.backend_svg",
    "flows.lifecycle", "prefect.server.api.server",
)  # fmt: skip
"""Not lancedb: it starts threads, which a fork does not take along."""


class Started:
    """A running `python -m`. Its process id is also that of its group."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], said: Path) -> None:
        """command: a module and its arguments; said: a folder for what it writes on its two streams"""
        self._said = said
        self._process: BaseProcess = _forks().Process(target=_main, args=(list(command), dict(environment), str(said)))
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """SIGKILL to the whole group, as when the machine's memory has run out."""
        os.killpg(self.pid, signal.SIGKILL)
        self._process.join()

    def ended(self, timeout: float) -> subprocess.CompletedProcess[str]:
        """Wait for its end. Where that does not come in `timeout` seconds: kills it, raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self.kill()
            raise subprocess.TimeoutExpired(self._said.name, timeout)
        out, err = ((self._said / name).read_text() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(["python"], code, out, err)


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """One command (a module and its arguments) to its end."""
    with tempfile.TemporaryDirectory() as said:
        return Started(command, environment, Path(said)).ended(timeout)


@cache
def _forks() -> ForkServerContext:
    """The fork server, started under the variables that Prefect and its logging read when they are imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    before = dict(os.environ)
    os.environ.update(QUIET)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return context


def _main(command: list[str], environment: dict[str, str], said: str) -> None:
    """In the forked process: become `python -m` with `command`, and end as it does."""
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for stream, name in enumerate(("stdout", "stderr"), start=1):
        file = os.open(os.path.join(said, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
        os.close(file)
    sys.argv = command
    code = 0
    try:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()  # it read the environment when it was imported
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 what is not foreseen is shown as an interpreter shows it
        traceback.print_exc()
        code = 1
    finally:
        atexit._run_exitfuncs()  # a forked process ends without them; Prefect's stops the server that a run started
        sys.stdout.flush()
        sys.stderr.flush()
    sys.exit(code)
