"""Where a source may lie that is on no disk of this machine, one small file each, found by listing this folder.

Each has

    NAMES              the schemes of its addresses: `https`
    PACKAGES           distributions that it needs beside those of the product
    below(url)         the addresses of all objects in the folder `url`, which ends with `/`; None where such an address is
                       that of one object
    fetch(url, file)   writes what lies at `url` into an open file and returns what is known of it; raises BadInput for an
                       address or an answer that is not acceptable, MachineFault for a place that does not answer
"""

import re
from importlib import import_module
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from components.core.variants import require

DEFINES = ("NAMES", "PACKAGES", "below", "fetch")


class Got(NamedTuple):
    """What a place says of what it gave. name: as a file, its ending says the format. facts: for the provenance"""

    name: str
    facts: dict[str, str]


class Place(Protocol):
    """A file of this folder."""

    NAMES: tuple[str, ...]
    PACKAGES: tuple[str, ...]

    def below(self, url: str) -> list[str] | None: ...

    def fetch(self, url: str, file: IO[bytes]) -> Got: ...


def file_name(last: str) -> str:
    """The last part of an address as the name of a file: letters, digits, `_`, `-`, `.` and spaces, not hidden."""
    return re.sub(r"[^\w. -]", "_", last).strip(". ")[-100:] or "page"


_MODULES = {
    path.stem: import_module(f".{path.stem}", __package__)
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem != "__init__"
}
SCHEMES: dict[str, str] = {scheme: name for name, module in _MODULES.items() for scheme in module.NAMES}
"""Scheme → the file that fetches it."""


def place(scheme: str) -> Place:
    """The place of one of `SCHEMES`; raises MissingPackage where its packages are not installed."""
    module = _MODULES[SCHEMES[scheme]]
    require(module, DEFINES, f"a source at {scheme}://")
    return module
