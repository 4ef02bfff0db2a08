"""What an answer can do to the machine that tests it: nothing. Each attack ends bounded, and has not passed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.core import MachineFault
from components.measure import sandbox, sandbox_process
from components.measure.sandbox import passes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox takes Linux, and refuses to run elsewhere")


FLOOD = """import os
from contextlib import suppress
while True:
    for descriptor in range(3, 30):
        with suppress(OSError):
            os.write(descriptor, b"ready" * 1000)
"""
"""Whatever the parent reads from is filled."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    passes.cache_clear()
    yield
    passes.cache_clear()


def outside(code: str) -> bool:
    """Whether `code` runs to its end without a sandbox: that an attack would succeed here."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30).returncode == 0


@pytest.mark.parametrize(
    ("code", "tests", "passed"),
    [
        ("def f(x):\n    return x + 1", "assert f(1) == 2", True),
        ("def f(x):\n    return x", "assert f(1) == 2", False),
        ("import json, math, re, collections, random, tempfile", "assert math.floor(2.5) == 2", True),
        ("import numpy", "", False),
        ("this is no Python", "", False),
        ("x = 1", "this is no Python", False),
        ("open('notes', 'w').write('kept')", "assert open('notes').read() == 'kept'", True),
        ("if __name__ == '__main__':\n    input()", "", True),
    ],
)
def test_an_answer_passes_where_it_and_its_tests_run_to_their_end(code: str, tests: str, passed: bool) -> None:
    assert passes(code, tests) is passed


@pytest.mark.parametrize(
    "code", ["import os\nos._exit(0)", "raise SystemExit(0)", "import os\nos.execv('/usr/bin/true', ['true'])"]
)
def test_an_answer_that_ends_before_its_tests_has_not_passed(code: str) -> None:
    assert not passes(code, "assert True")


def test_nothing_of_the_parents_is_inside() -> None:
    os.environ["NINEFOLD_TEST_SECRET"] = "s3cret"
    try:
        assert passes("import os", "assert 'NINEFOLD_TEST_SECRET' not in os.environ and os.listdir('.') == []")
        assert passes("import os", "assert sorted(os.listdir('/old')) == [] and not os.path.exists('/proc')")
        assert passes("import os", f"assert os.getppid() == 0 and not os.path.exists({os.getcwd()!r})")
        assert passes("import sys", "assert not any('site-packages' in path for path in sys.path)")
    finally:
        del os.environ["NINEFOLD_TEST_SECRET"]


@pytest.mark.skipif(os.geteuid() != 0, reason="who is no root has only himself to become")
def test_root_runs_nothing_as_root() -> None:
    assert passes("import os", f"assert os.getresuid() == ({sandbox_process.NOBODY},) * 3 and os.getgroups() == []")


def test_no_server_is_reached_not_even_on_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        assert outside(code)
        assert not passes(code, "")


def test_a_secret_of_the_workspace_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "key.pem"
    secret.write_text("private")
    secret.chmod(0o600)
    code = f"assert open({str(secret)!r}).read() == 'private'"
    assert outside(code)
    assert not passes(code, "")
    assert not passes(f"import os\nos.listdir({str(tmp_path)!r})", "")


def test_the_parent_is_not_signalled() -> None:
    code = f"import os\nos.kill({os.getpid()}, 0)"
    assert outside(code)
    assert not passes(code, "")
    assert not passes(code.replace(", 0)", ", 9)"), "")
    assert not passes("import os\nos.kill(-1, 9)", "raise AssertionError('nobody was there')")
    assert not passes("import os, time\nos.kill(os.getppid(), 9)\nos.killpg(0, 9)", "raise AssertionError")


@pytest.mark.parametrize(
    "code",
    [
        "import os\nwhile True:\n    os.fork()",
        "import os\nos.fork()",
        "import threading\nthreading.Thread(target=print).start()",
        "import subprocess\nsubprocess.run(['/usr/bin/true'])",
        "block = bytearray(10 * 2**30)",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))",
        "import os\nos.setuid(0)\nos.listdir('/root')",
        "open('/usr/lib/planted.py', 'w')",
        "open('big', 'wb').write(bytes(17 * 2**20))",
        "for i in range(10):\n    open(str(i), 'wb').write(bytes(15 * 2**20))",
        "def f():\n    return f()\nf()",
    ],
)
def test_what_goes_beyond_the_bounds_ends_at_once(code: str) -> None:
    begun = time.monotonic()
    assert not passes(code, "")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    pass",
        "import time\ntime.sleep(1000)",
        "while True:\n    print('x' * 1_000_000)",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True:\n    pass",
        FLOOD,
    ],
)
def test_what_does_not_end_is_ended(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 1.5)
    begun = time.monotonic()
    assert not passes(code, "")
    assert time.monotonic() - begun < 6


def test_processor_time_ends_it_where_wall_time_does_not() -> None:
    begun = time.monotonic()
    assert not passes("while True:\n    pass", "")
    assert time.monotonic() - begun < sandbox.SECONDS - 1


def test_an_interrupted_run_leaves_no_process() -> None:
    def children() -> list[str]:
        listed = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True, text=True)
        return [name for name in listed.stdout.split() if name == "unshare"]

    def interrupt(*_: object) -> None:
        seen.extend(children())
        raise KeyboardInterrupt

    seen: list[str] = []
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1)
        with pytest.raises(KeyboardInterrupt):
            passes("import time\ntime.sleep(1000)", "")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (seen, children()) == (["unshare"], [])


def test_where_nothing_keeps_it_apart_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "ran"
    refusing = tmp_path / "unshare"
    refusing.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    code = f"open({str(trace)!r}, 'w')"
    for there in (f"{tmp_path}:/usr/bin:/bin", "/nowhere"):
        monkeypatch.setattr(sandbox, "_PATH", there)
        with pytest.raises(MachineFault, match=r"^code: nothing was run, since this machine does not keep it apart"):
            passes(code, "")
    assert not trace.exists()


def test_a_sandbox_that_cannot_leave_the_file_system_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_SET_UP", 'exec "$3" -I -S -c "$4"')
    with pytest.raises(MachineFault, match="nothing was run"):
        passes("x = 1", "")
