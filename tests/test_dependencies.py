"""The audit that needs no network: everything that is installed is pinned, listed with its licence, and may be used.

Known vulnerabilities are not looked up: the services that know them (OSV, PyPI's advisories) cannot be asked from here.
"""

import json
import re
import runpy
from importlib.metadata import distributions

import pytest

from components.core.code import ROOT

LIST = runpy.run_path(str(ROOT / "docs/licences.py"))
LISTED = json.loads(LIST["FILE"].read_text())
COPYLEFT = re.compile(r"\bA?GPL|GNU (Affero )?General Public", re.IGNORECASE)
"""What would bind whoever passes Ninefold on; LGPL and MPL do not bind a program that imports."""
CHOICE = re.compile(r"Artistic|\bOR\b")


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {LIST["normal"](name): version for name, _, version in (line.partition("==") for line in lines)}


def bound(licence: str) -> bool:
    """Whether a licence is copyleft, and leaves no other choice."""
    return bool(COPYLEFT.search(licence)) and not CHOICE.search(licence)


def test_nothing_is_installed_that_is_not_pinned_at_its_version() -> None:
    there = {LIST["normal"](one.name): one.version.partition("+")[0] for one in distributions()}
    others = {name: version for name, version in there.items() if name not in LIST["OURS"] and pins().get(name) != version}
    assert others == {}, "pin it in constraints.txt, or take it out of .venv"


def test_every_library_is_listed_with_its_licence() -> None:
    assert LIST["licences"]().items() <= LISTED.items(), "run `python docs/licences.py`"
    assert {line.partition("==")[0] for line in LISTED} == set(pins()), "what is pinned is what is listed"
    assert [name for name, licence in LISTED.items() if licence == "unknown"] == []


def test_no_library_binds_whoever_passes_ninefold_on() -> None:
    assert [name for name, licence in LISTED.items() if bound(licence)] == []


@pytest.mark.parametrize(
    ("licence", "binds"),
    [("AGPL-3.0-only", True), ("GNU General Public License v3 (GPLv3)", True), ("LGPL-3.0-only", False), ("MIT", False),
     ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", False), ("Artistic License; GNU General Public License (GPL)", False)],
)  # fmt: skip
def test_a_copyleft_licence_is_told_from_others(licence: str, binds: bool) -> None:
    assert bound(licence) == binds
