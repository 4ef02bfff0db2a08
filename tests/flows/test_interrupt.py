"""Ctrl-C in a real terminal, and SIGTERM, end a run in seconds: one sentence, an exit code, no traceback, no server left."""

import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from components.core import EXIT_CODES, Workspace
from components.core.code import ROOT
from flows.interrupt import ASKED, GRACE
from flows.runs import runs
from tests.conftest import USE_CASE, environment, new_home

LATE = 2.0
"""Seconds beyond the grace that a loaded machine may take; what the README promises is measured by hand, not here."""


def in_a_terminal(home: Path, wait_for: str, number: signal.Signals) -> tuple[int, float, str, list[psutil.Process]]:
    """A smoke run in a pseudo-terminal, that gets a signal once the view shows `wait_for`: exit code, seconds until it
    ended, what the terminal showed since, and those of its children that are still there."""
    process, terminal = pty.fork()
    if process == 0:
        command = [sys.executable, "-m", "flows.cli", "run", str(USE_CASE), "--profile", "smoke"]
        os.chdir(ROOT)
        os.execve(sys.executable, command, environment(home))
    screen, sent, children = b"", 0.0, []
    deadline = time.monotonic() + 280
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                screen += os.read(terminal, 65536)
            except OSError:  # Linux: the other side is closed
                break
        if not sent and wait_for.encode() in screen:
            children = psutil.Process(process).children(recursive=True)
            sent, screen = time.monotonic(), b""
            if number == signal.SIGINT:
                os.write(terminal, b"\x03")
            else:
                os.kill(process, number)
    _, status = os.waitpid(process, 0)
    seconds = time.monotonic() - sent
    os.close(terminal)
    assert sent, f"'{wait_for}' was never shown: {screen[-500:]!r}"
    shown = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", screen).decode(errors="replace")
    return os.waitstatus_to_exitcode(status), seconds, shown, psutil.wait_procs(children, timeout=5)[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_home(tmp_path_factory.mktemp("interrupted") / "home")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ("data", signal.SIGINT),
        ("selection 2/9", signal.SIGTERM),
        pytest.param("tuning 5/9", signal.SIGTERM, marks=pytest.mark.long),
    ],
)
def test_a_run_ends_within_five_seconds_wherever_it_is(home: Path, stage: str, number: signal.Signals) -> None:
    code, seconds, shown, left = in_a_terminal(home, stage, number)
    assert code == 128 + number
    assert seconds < GRACE + LATE
    sentences = [line for line in shown.splitlines() if line.startswith("ninefold: ")]
    assert sentences == [f"ninefold: {ASKED[number]}; sealed steps are kept, run again to go on"]
    assert "Traceback" not in shown
    assert not left
    (run,) = runs(Workspace(home))
    assert run["state"] in (ASKED[number], "killed")  # killed: the grace was over before its summary was written
    assert run["resume"].startswith("ninefold run ")


def test_the_codes_of_both_signals_are_listed() -> None:
    assert {128 + number for number in ASKED} < set(EXIT_CODES)
