"""The code of a served application: the files that its entry point reaches, never a list of packages."""

import shutil
from pathlib import Path

from components.core import Candidate
from components.core.code import ROOT, reached_files, words_of

DATA = (".json", ".yaml")
"""Data files go with the module of the same name beside them."""


def served_code(candidate: Candidate, *entries: str) -> list[Path]:
    """Files of the project, relative to its root, that running `entries` (dotted names) for `candidate` needs."""
    code = reached_files(*entries, words=words_of(candidate), packages=True)
    beside = {path.with_suffix(ending) for path in code for ending in DATA}
    return sorted(path.relative_to(ROOT) for path in code | {path for path in beside if path.is_file()})


def copy_code(candidate: Candidate, target: Path, *entries: str) -> None:
    """Write those files below `target`, which is made anew."""
    shutil.rmtree(target, ignore_errors=True)
    for path in served_code(candidate, *entries):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target / path)
