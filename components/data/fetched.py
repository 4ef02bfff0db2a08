"""Sources that lie elsewhere, fetched once into the workspace: a later run reads the same bytes, online or not."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from components.core import Data, Source, Workspace, digest_of, file_digest, publish_json
from components.core.address import without_secrets
from components.core.database import now
from components.core.errors import Damaged
from components.core.files import disk_faults, fsync_folder, read_json

from .places import SCHEMES, Got, place

logger = logging.getLogger(__name__)
ABOUT = "about.json"
"""Written last: where it stands, the rest is whole."""


def is_elsewhere(source: Source) -> bool:
    """Whether a source is fetched, by the scheme of its address."""
    scheme, colon, _ = source.path.partition("://")
    return bool(colon) and scheme.lower() in SCHEMES and source.format != "table"


def fetched(url: str, workspace: Workspace, fetch: Callable[[str, IO[bytes]], Got] | None = None) -> Path:
    """The file that lies at `url`, fetched where it is not here yet. fetch: its place's own, where not given.

    Raises BadInput and MachineFault as the place does, Damaged for a file that is no longer what came.
    """
    folder = _folder(url, workspace)
    if not _is_whole(folder):
        _bring(url, folder, fetch or place(url.partition("://")[0].lower()).fetch)
    known = read_json(folder / ABOUT)
    path = folder / known["file"]
    if file_digest(path) != known["sha256"]:
        raise Damaged(path, "its SHA-256 is not that of what was fetched", f"delete {folder} and run again")
    return path


def facts(data: Data, workspace: Workspace) -> dict[str, dict[str, str]]:
    """Source that was fetched → `url`, `at` (time in UTC), `sha256`, and what its place says of it (ETag, version …)."""
    elsewhere = [source for source in data.sources if is_elsewhere(source)]
    return {source.name: read_json(_folder(source.path, workspace) / ABOUT) for source in elsewhere}


def _folder(url: str, workspace: Workspace) -> Path:
    return workspace.fetched / digest_of(url)[:16]


def _is_whole(folder: Path) -> bool:
    """Whether a fetch ended there, and nobody deleted its file since (`ninefold forget`)."""
    return (folder / ABOUT).is_file() and (folder / read_json(folder / ABOUT)["file"]).is_file()


def _bring(url: str, folder: Path, fetch: Callable[[str, IO[bytes]], Got]) -> None:
    with disk_faults(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    logger.info("fetching %s", without_secrets(url))
    try:
        with disk_faults(folder), (building / "coming").open("wb") as file:
            got = fetch(url, file)
        name = f"file/{got.name}"  # in a folder of its own: the name is the place's to choose
        (building / "file").mkdir()
        path = (building / "coming").rename(building / name)
        publish_json(building / ABOUT, {"url": url, "at": now(), "file": name, "sha256": file_digest(path), **got.facts})
        if not _is_whole(folder):  # else another process was first
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(building, folder)
            fsync_folder(folder.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)
