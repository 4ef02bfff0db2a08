"""What can go wrong for a user, and the exit code that says so.

The command line prints `str(error)` and nothing else, so a message names the file, the key, what is allowed and what to do
next.
"""

from pathlib import Path

EXIT_CODES = {
    0: "done",
    1: "a gate said no",
    2: "bad input",
    3: "the machine failed",
    4: "too little traffic to say (monitor)",
    130: "interrupted (Ctrl-C)",
    143: "stopped (SIGTERM)",
}
"""Every exit code of `ninefold`; the last two are 128 and the signal, as shells count."""


class NinefoldError(Exception):
    """An error with a stable exit code and a message meant for a person."""

    exit_code = 3


class GateRefused(NinefoldError):
    """A gate of the contract said no: nothing is wrong with the machine or the input."""

    exit_code = 1


class BadInput(NinefoldError, ValueError):
    """The user's file, key, value or data is not acceptable."""

    exit_code = 2


class OtherVersion(BadInput):
    """A Candidate that another Ninefold described in words that this one does not read."""


class MachineFault(NinefoldError):
    """The machine cannot do it now: disk full, port taken, no engine, no network."""

    exit_code = 3


class Damaged(MachineFault):
    """A file of the workspace is torn or was changed since it was written."""

    def __init__(
        self, path: Path, reason: str, advice: str = "put it back from a backup, or delete it and run again"
    ) -> None:
        """reason: how that was seen; advice: what to do, where nothing can make the file again by itself"""
        super().__init__(f"{path}: damaged ({reason}); {advice}")
        self.path, self.reason = path, reason


class MissingPackage(MachineFault):
    """An optional package is not installed."""

    def __init__(self, package: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs the package '{package}', which is not installed: pip install {package}")
