"""Where the traceback of an unforeseen error goes: a file in the workspace, not the user's screen."""

import traceback
from datetime import UTC, datetime
from pathlib import Path

from components.core import Workspace


def keep_traceback(error: BaseException) -> Path:
    """Write the traceback of `error` and return the file."""
    path = Workspace().logs / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(traceback.format_exception(error)))
    return path
