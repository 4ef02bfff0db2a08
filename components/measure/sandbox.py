"""Runs Python that nobody has read, apart from this machine: whether an answer passes its tests.

Each run has namespaces of its own (util-linux's `unshare`): a network without an interface, no other process to see or to
signal, and a file system in memory that holds this Python, /usr, and an empty folder to work in. The process has no
privilege, no environment, and may start no other one; memory, CPU time, wall time, files and what they hold are bounded
(sandbox_process.py). Where the kernel gives no such namespaces (a container without them, another system than Linux),
nothing runs and MachineFault says so. 0.1 s a run.

Not covered: kernel exploits, and an answer that passes by looking for the tests in its own process instead of by being
right. What it needs beyond Python's own library is not there.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from components.core import MachineFault

from . import sandbox_process

SECONDS = 20.0
"""Wall-clock time of a run; its CPU time is sandbox_process.CPU_SECONDS."""
_ROOM = "64m"
"""What all files of a run may hold together: they lie in memory."""
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# $1: an empty folder that becomes the root; $2: where this Python lies; $3: its program; $4: what it runs
_SET_UP = f"""
set -eu
mount -t tmpfs -o size={_ROOM},mode=755,nosuid,nodev none "$1"
cd "$1"
bound() {{
  mkdir -p ".$1"
  mount --rbind "$1" ".$1"
  mount -o remount,bind,ro,nosuid,nodev ".$1"
}}
bound /usr
for place in lib lib64; do
  if [ -L "/$place" ]; then ln -s "$(readlink "/$place")" "$place"; elif [ -d "/$place" ]; then bound "/$place"; fi
done
case "$2" in /usr | /usr/*) ;; *) bound "$2" ;; esac
mkdir -m 1777 work
mkdir old etc dev
touch etc/ld.so.cache dev/null
if [ -e /etc/ld.so.cache ]; then mount --bind /etc/ld.so.cache etc/ld.so.cache; fi
mount --bind /dev/null dev/null
pivot_root . old
cd /work
exec env -i "$3" -I -S -c "$4"
"""


@lru_cache(maxsize=4096)  # a figure is verified, and a perturbed question's answer scored, by the same run again
def passes(code: str, tests: str) -> bool:
    """Whether `code`, and then `tests` behind it, run to their end without an exception, within the limits.

    Raises MachineFault where this machine cannot keep them apart from the rest.
    """
    word = secrets.token_hex(16)
    said, problem = _run({"code": code, "tests": tests, "word": word})
    ready, _, verdict = said.partition("\n")
    if ready != "ready":
        raise MachineFault(
            f"code: nothing was run, since this machine does not keep it apart from the rest ({problem or 'no unshare'}). "
            "It takes Linux with util-linux and the right to make namespaces: run as root, or allow "
            "kernel.unprivileged_userns_clone; in a container, give it CAP_SYS_ADMIN"
        )
    return verdict.strip() == word


def _run(request: dict[str, object]) -> tuple[str, str]:
    """(what the process said of itself, what went wrong before it ran anything)"""
    unshare = shutil.which("unshare", path=_PATH)
    if sys.platform != "linux" or unshare is None:
        return "", ""
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    apart = [unshare, *own, "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child"]
    program = Path(sandbox_process.__file__).read_text(encoding="utf-8")
    reading, writing = os.pipe()
    try:
        with tempfile.TemporaryDirectory() as root, tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as wrong:
            python = Path(sys.base_prefix), Path(sys.executable).resolve()
            given.write(json.dumps({**request, "verdict": writing, "as_nobody": not own}).encode())
            given.seek(0)
            child = subprocess.Popen(
                [*apart, "--", "sh", "-c", _SET_UP, "sh", root, *map(str, python), program],
                stdin=given, stdout=wrong, stderr=wrong, env={"PATH": _PATH}, cwd="/", pass_fds=(writing,),
                start_new_session=True,
            )  # fmt: skip
            try:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(SECONDS)
            finally:  # interrupted or not
                child.kill()  # and with it, by --kill-child, all that it started
                child.wait()
            wrong.seek(0)
            problem = wrong.read(500).decode(errors="replace").strip()
        os.set_blocking(reading, False)
        try:
            said = os.read(reading, 200)
        except BlockingIOError:
            said = b""
        return said.decode(errors="replace"), problem
    finally:
        os.close(reading)
        os.close(writing)
