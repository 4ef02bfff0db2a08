"""Where a source is, and the digest of what it holds. Reads the rows of tables, which have no file, and of nothing else."""

import hashlib
import os
from pathlib import Path

from components.core import BadInput, Data, MachineFault, Source, Workspace, asset_path, canonical, digest_of, file_digest

from .fetched import fetched, is_elsewhere
from .folder import Member, members
from .places import SCHEMES
from .readers import READERS, SUFFIXES


def source_digests(data: Data, folder: Path, workspace: Workspace) -> dict[str, str]:
    """Source name → SHA-256 of its file, of its folder's names and files, or of its table's rows. folder: where the use
    case's YAML lies; relative paths start there.

    Raises BadInput for a missing file, an empty folder or an unknown format, with the key. An asset, or a source that lies
    elsewhere, is fetched where it is not here yet.
    """
    for number, source in enumerate(data.sources):
        if source.format is not None and source.format not in READERS:
            raise BadInput(
                f"data.sources.{number}.format: '{source.format}' is not read; allowed: {', '.join(sorted(READERS))}"
            )
    return {
        source.name: _digest(find(data, number, folder, workspace), source, f"data.sources.{number}.path")
        for number, source in enumerate(data.sources)
    }


def found_formats(data: Data, folder: Path, workspace: Workspace) -> dict[str, list[str]]:
    """Source that is a folder, or was fetched → the formats of its files. Contract and digests do not name them, and which
    readers a step reached must follow from its inputs (core/code.py)."""
    found = {}
    for number, source in enumerate(data.sources):
        path = find(data, number, folder, workspace)
        if source.format != "table" and (path.is_dir() or is_elsewhere(source)):
            files = members(path, source, f"data.sources.{number}.path") if path.is_dir() else [_member(path)]
            found[source.name] = sorted({member.format for member in files if member.format})
    return found


def _member(path: Path) -> Member:
    return Member(path.name, path, SUFFIXES.get(path.suffix.lower(), ""))


def find(data: Data, number: int, folder: Path, workspace: Workspace) -> Path:
    """The file or folder of source `number`, fetched where it lies elsewhere; for a table the folder in which a relative
    SQLite path starts.

    Raises BadInput with the key `data.sources.<number>.path` when there is none, MachineFault where it cannot be fetched.
    """
    source, key = data.sources[number], f"data.sources.{number}.path"
    path = source.path
    if source.format == "table":
        return folder
    if is_elsewhere(source):
        try:
            return fetched(path, workspace)
        except (BadInput, MachineFault) as error:
            raise (BadInput if isinstance(error, BadInput) else MachineFault)(f"{key}: {error}") from error
    if path.startswith("asset:"):
        try:
            return asset_path(path, workspace)
        except BadInput as error:
            raise BadInput(f"{key}: {error}") from error
    beside = folder / path
    if not os.path.isfile(beside) and not os.path.isdir(beside):  # Path.is_file raises for a name that is too long
        raise BadInput(
            f"{key}: {beside}: no such file or folder. Give a path relative to the use case's file, an absolute path, "
            f"`asset:<asset>/<path>`, or an address that begins with {', '.join(f'{one}://' for one in sorted(SCHEMES))}"
        )
    return beside


def _digest(path: Path, source: Source, key: str) -> str:
    if source.format == "table":
        digest = hashlib.sha256()
        for _, row in READERS["table"](path, source):
            digest.update(canonical(row).encode() + b"\n")
        return digest.hexdigest()
    if path.is_dir():
        return digest_of({member.name: _content(member) for member in members(path, source, key)})
    try:
        return file_digest(path)
    except OSError as error:
        raise BadInput(f"{key}: {path}: cannot be read ({error.strerror})") from error


def _content(member: Member) -> str:
    """The digest of a file, or why it has none: what cannot be read cannot change the result."""
    try:
        return member.fault or file_digest(member.path)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
