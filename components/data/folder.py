"""The files of a source that is a folder: which there are, and why one of them is not read."""

import os
from dataclasses import dataclass
from pathlib import Path

from components.core import BadInput, Source

from .readers import SUFFIXES


@dataclass(frozen=True)
class Member:
    """A file below the folder. name: relative, with `/`. fault: why it is not read."""

    name: str
    path: Path
    format: str = ""
    fault: str | None = None


def members(root: Path, source: Source, key: str) -> list[Member]:
    """Every file below `root` in the order of names; hidden ones are left out, and with `source.format` those of other
    formats. Links are followed to files inside the folder only; a folder that cannot be listed is a member with its fault.
    key: the source's place in the contract.

    Raises BadInput where there is none.
    """
    listed = []

    def unlisted(error: OSError) -> None:
        path = Path(os.fsdecode(error.filename))
        listed.append(Member(_shown(path.relative_to(root)), path, fault=f"the folder cannot be read ({error.strerror})"))

    for place, folders, files in os.walk(root, onerror=unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in (*(name for name in files if not name.startswith(".")), *linked):
            path = Path(place, name)
            kind = SUFFIXES.get(path.suffix.lower(), "")
            if source.format is None or kind == source.format:
                listed.append(Member(_shown(path.relative_to(root)), path, kind, _fault(root, path, kind)))
    if not listed:
        wanted = f"no {source.format} file" if source.format else "no file"
        raise BadInput(f"{key}: {root}: the folder holds {wanted}. Names must end in one of: {', '.join(sorted(SUFFIXES))}")
    return sorted(listed, key=lambda member: member.name)


def _shown(path: Path) -> str:
    """A file name as text, also one that is not UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _fault(root: Path, path: Path, kind: str) -> str | None:
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "it is a link to nothing"
        if not target.is_relative_to(root.resolve()):
            return "it is a link out of the folder"
    if not path.is_file():
        return "it is a link to a folder" if path.is_dir() else "it is no plain file"
    return None if kind else f"its name ends in none of {', '.join(sorted(SUFFIXES))}"
