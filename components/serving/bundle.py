"""A bundle: one Candidate as a portable folder that is registered, served and put into images.

    candidate.json   the Candidate
    reference.json   the answers it gave when it was measured, in the traffic log's form: monitoring's reference window
    store/           a core Store with the objects that the Candidate names, and nothing else

Reading only; `components.deployment` writes it.
"""

import json
from pathlib import Path
from typing import TypedDict

from components.core import BadInput, Candidate, MachineFault, Store, read_candidate

CANDIDATE = "candidate.json"
REFERENCE = "reference.json"


class Answered(TypedDict):
    """A question and its answer, as they were given."""

    id: str
    input: str
    answer: str
    passages: list[str]
    """Ids, best first."""
    scores: list[float]
    seconds: float


def candidate_of(folder: Path) -> Candidate:
    """The Candidate of the bundle in `folder`; raises BadInput when it is no bundle."""
    path = folder / CANDIDATE
    if not path.is_file():
        raise BadInput(f"{folder}: not a bundle, it has no {CANDIDATE}. Give a folder that the deployment stage wrote")
    return read_candidate(path, str(path))


def load_bundle(folder: Path, derived: Path | None = None) -> tuple[Candidate, Store]:
    """The Candidate of the bundle in `folder` and the store with its objects, every byte checked against its digest.

    derived: where tables that are made of the objects go; never into the folder, which is signed as it was released
    Raises BadInput when it is no bundle, MachineFault when an object is missing or was changed (hashing takes about a
    second for 500 MB).
    """
    candidate = candidate_of(folder)
    store = Store(folder / "store", derived)
    missing = [digest for digest in candidate.objects if not store.has(digest)]
    if missing:
        raise MachineFault(f"{folder}: the bundle lacks object {missing[0]}; export it again (deployment)")
    if damaged := store.damaged():
        raise MachineFault(f"{folder}: the bundle was changed: {damaged[0]}; export it again (deployment)")
    return candidate, store


def reference_of(folder: Path) -> list[Answered]:
    """The reference window of a bundle."""
    rows: list[Answered] = json.loads((folder / REFERENCE).read_text())
    return rows
