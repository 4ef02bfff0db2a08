"""What becomes of an unforeseen error: its traceback goes to a file in the workspace, one message to the user's screen."""

import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

SECRET_LENGTH = 6
"""A shorter value of a variable that is called a secret would blacken half of a message."""


def explain(error: BaseException) -> tuple[str, int]:
    """Keep the traceback of `error`; returns what to tell the user, and the exit code. Never raises: where the workspace is
    at fault, the error is most likely its doing, and NINEFOLD_HOME is what to mend."""
    message = f"failed: {type(error).__name__}: {_shown(str(error))}"
    try:
        return f"{message}\nThe traceback is in {_keep(error)}", 3
    except (FileExistsError, NotADirectoryError, PermissionError) as unusable:
        where = f"NINEFOLD_HOME: cannot use {unusable.filename} ({unusable.strerror})"
        return f"{where}. Set it to a folder that can be written, or that can be made ({message})", 2
    except Exception as second:  # noqa: BLE001 the last resort may not fail itself
        return f"{message}\nIts traceback could not be kept: {second}", 3


def _shown(text: str) -> str:
    """`text` without the passwords that a library put into its message, of addresses and of this process's environment."""
    try:
        from components.core.address import is_secret, without_secrets
    except ImportError:  # a broken installation, too, is an unforeseen error
        return text
    held = sorted((value for name, value in os.environ.items() if is_secret(name) and len(value) >= SECRET_LENGTH), key=len)
    for value in reversed(held):
        text = text.replace(value, "…")
    return without_secrets(text)


def _keep(error: BaseException) -> Path:
    from components.core import Workspace

    path = Workspace().logs / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _shown("".join(traceback.format_exception(error)))
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path
