"""What runs inside the sandbox: it gives up every privilege, sets the limits, then runs an answer and its tests.

sandbox.py starts this file's text by `python -I -S -c`, as the first process of namespaces of its own. Standard input holds
{"code", "tests", "word", "verdict", "as_nobody"}; on the descriptor `verdict` it writes "ready" before it runs anything, and
`word` once the tests have ended. An answer that ends the process before them has not passed.
"""

import ctypes
import json
import os
import resource
import sys

MEMORY_BYTES = 512 * 2**20
CPU_SECONDS = 5
FILE_BYTES = 16 * 2**20
"""Of one file; all of them share what the file system in memory has."""
NOBODY = 65534
_DETACH, _NO_NEW_PRIVILEGES, _CAPABILITIES_VERSION = 2, 38, 0x20080522


def main() -> None:
    """Run what standard input holds."""
    request = json.load(sys.stdin)
    _leave_the_rest(request["as_nobody"])
    _limit()
    silence = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    os.write(request["verdict"], b"ready\n")
    names: dict[str, object] = {"__name__": "answer"}
    for part in ("code", "tests"):
        exec(compile(request[part], part, "exec"), names)
    os.write(request["verdict"], request["word"].encode())


def _leave_the_rest(as_nobody: bool) -> None:
    """Let go of the file system outside, and of every privilege in these namespaces; nothing that runs later gets any.

    as_nobody: become another user too; who is no root has only himself in his namespaces
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    _must(kernel.umount2(b"/old", _DETACH))
    if as_nobody:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _must(kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()
    _must(kernel.capset(header, none))


def _must(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _limit() -> None:
    """Bounds that cannot be raised again. One process: threads count too."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_NPROC, 1),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
