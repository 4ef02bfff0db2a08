"""The log-in of a workspace's own MLflow and Prefect servers: one random line, made once, readable by its owner only.

The line is the password of both. Prefect wants a password of the form `user:rest`, so the line has it.
"""

import os
import secrets
import stat
from pathlib import Path

from .errors import BadInput
from .files import publish_private

USER = "ninefold"
"""The user's name, where a server asks for one beside the password."""
LENGTH = len(f"{USER}:") + 64


def make_login(path: Path) -> str:
    """The log-in in `path`, made there unless it is there already: of two processes at once both get the same."""
    if (known := read_login(path)) is None:
        publish_private(path, f"{USER}:{secrets.token_hex(32)}\n".encode())
        known = read_login(path)
    assert known is not None, "written above"
    return known


def read_login(path: Path) -> str | None:
    """The log-in in `path`, None where there is no such file. Raises BadInput for one that others can read, or that is not
    what `make_login` wrote."""
    try:
        with path.open() as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            line = file.read().strip()
    except FileNotFoundError:
        return None
    anew = f"Delete it and start `ninefold ui` anew: that makes another log-in. {path} may have mode 0600 only"
    if mode & 0o077:
        raise BadInput(f"{path}: others on this machine can read the log-in (mode {mode:04o}). {anew}")
    if len(line) != LENGTH or not line.startswith(f"{USER}:"):
        raise BadInput(f"{path}: holds no log-in as Ninefold makes it. {anew}")
    return line
