"""Sources that lie elsewhere, fetched once into the workspace: a later run reads the same bytes, online or not."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from components.core import BadInput, Data, Source, Workspace, digest_of, file_digest, progress, publish_json
from components.core.address import without_secrets
from components.core.database import now
from components.core.errors import Damaged
from components.core.files import disk_faults, fsync_folder, read_json

from .places import SCHEMES, Got, file_name, place

logger = logging.getLogger(__name__)
ABOUT = "about.json"
"""Written last: where it stands, the rest is whole."""


def is_elsewhere(source: Source) -> bool:
    """Whether a source is fetched, by the scheme of its address."""
    scheme, colon, _ = source.path.partition("://")
    return bool(colon) and scheme.lower() in SCHEMES and source.format != "table"


def fetched(url: str, workspace: Workspace, fetch: Callable[[str, IO[bytes]], Got] | None = None) -> Path:
    """The file that lies at `url`, fetched where it is not here yet; of an address that ends with `/`, where its place has
    folders, a folder with all that lies below it. fetch: its place's own, where not given.

    Raises BadInput and MachineFault as the place does, Damaged for a file that is no longer what came.
    """
    folder = _folder(url, workspace)
    if not _is_whole(folder):
        way = place(url.partition("://")[0].lower())
        below = way.below(url) if url.endswith("/") else None
        _bring(url, folder, fetch or way.fetch, below)
    known = read_json(folder / ABOUT)
    path = folder / known["file"]
    if _digest(path) != known["sha256"]:
        raise Damaged(path, "its SHA-256 is not that of what was fetched", f"delete {folder} and run again")
    return path


def facts(data: Data, workspace: Workspace) -> dict[str, dict[str, str]]:
    """Source that was fetched → `url`, `at` (time in UTC), `sha256`, and what its place says of it (ETag, version …); of a
    folder, how many `objects` it has."""
    elsewhere = [source for source in data.sources if is_elsewhere(source)]
    return {source.name: read_json(_folder(source.path, workspace) / ABOUT) for source in elsewhere}


def _folder(url: str, workspace: Workspace) -> Path:
    return workspace.fetched / digest_of(url)[:16]


def _is_whole(folder: Path) -> bool:
    """Whether a fetch ended there, and nobody deleted its file since (`ninefold forget`)."""
    if not (folder / ABOUT).is_file():
        return False
    known = read_json(folder / ABOUT)
    path = folder / known["file"]
    return path.is_file() or ("objects" in known and len(_files(path)) == int(known["objects"]))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's names and files."""
    if path.is_file():
        return file_digest(path)
    return digest_of({file.relative_to(path).as_posix(): file_digest(file) for file in _files(path)})


def _bring(url: str, folder: Path, fetch: Callable[[str, IO[bytes]], Got], below: Sequence[str] | None) -> None:
    with disk_faults(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    logger.info("fetching %s", without_secrets(url))
    try:
        (building / "file").mkdir()  # a folder of its own: names are the place's to choose
        name, facts = _one(url, building, fetch) if below is None else _all(url, below, building, fetch)
        publish_json(building / ABOUT, {"url": url, "at": now(), "file": name, "sha256": _digest(building / name), **facts})
        if not _is_whole(folder):  # else another process was first
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(building, folder)
            fsync_folder(folder.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _one(url: str, building: Path, fetch: Callable[[str, IO[bytes]], Got]) -> tuple[str, dict[str, str]]:
    """(name of the file, what is known of it)"""
    with disk_faults(building), (building / "coming").open("wb") as file:
        got = fetch(url, file)
    name = f"file/{got.name}"
    (building / "coming").rename(building / name)
    return name, got.facts


def _all(
    url: str, below: Sequence[str], building: Path, fetch: Callable[[str, IO[bytes]], Got]
) -> tuple[str, dict[str, str]]:
    """(name of the folder, how many objects it holds)"""
    for address in progress(below, "fetching objects"):
        parts = [file_name(part) for part in address.removeprefix(url).split("/")]
        path = building.joinpath("file", *parts)
        if path.exists():
            raise BadInput(
                f"{address}: another object below {url} has the same name, once signs that no file may have are gone"
            )
        with disk_faults(building):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                fetch(address, file)
    return "file", {"objects": str(len(below))}
