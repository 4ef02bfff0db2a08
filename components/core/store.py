"""The store: results by content, steps by key.

    objects/<digest>/    a folder of files with a `manifest.json` ({relative path: SHA-256}), whose digest is the object's
    steps/<key>.json     a seal: what a step returned, naming the objects it made; written last
    scratch/<key>/       where an unsealed step builds; never read as a result
    scratch/damaged-<digest or key>/  an object or a seal that was found damaged and set aside; may be deleted
    tombstones/<digest or key>.json   an object or a seal whose payload was deleted on request: when, and why

Nothing here knows stages, Prefect or MLflow. A portable bundle (what is registered and served) is a store with the objects
of one Candidate.

What is damaged. `path`, `file` and `manifest` hash every file of an object (weights too) the first time that a process reads
it, and again when the size, the times or the inode of one of its files have changed since; so does `sealed` with what a step
made, so that a step whose result is damaged is done again. Measured: 1.1 GB/s, so 0.25 s for the 270 MB of SmolLM2, and
20 µs a file for looking again. A seal carries its own digest. What is damaged is named, set aside and made again; a bundle,
which can make nothing again, is refused as it is. Not covered: an object that nobody reads (`run --verify` hashes those
too), and bytes that turn in memory.
"""

import errno
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from .database import now
from .digest import Frozen, canonical, digest_of, file_digest
from .errors import Damaged, MachineFault
from .files import disk_faults, fsync_folder, publish_json, publish_sealed, read_json

logger = logging.getLogger(__name__)
MANIFEST = "manifest.json"
NAMING = ("object", "objects", "table", "split_object", "index", "knowledge", "provenance")
"""Fields of a result whose texts are digests of objects."""
_DIGEST = re.compile("[0-9a-f]{64}")
_QUOTED = re.compile('(?<=")[0-9a-f]{64}(?=")')


class Seal(Frozen):
    """A finished step. `measured` (seconds, memory, rates) differs from run to run, so no digest covers it.

    inputs: what went in, by name: its own digest, then every digest that it names. read: the objects that the step and its
    sub-steps opened (a Dataset goes in whole, and few of its splits are read); None: sealed before that was recorded. asked:
    what else the key covers (digests of code and pins, the settings), so that a later run can say why it begins anew. The
    key covers all that already, so seals made before these fields were there hold as they are.
    """

    key: str
    name: str
    result: dict[str, Any]
    measured: dict[str, object] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    read: tuple[str, ...] | None = None
    asked: dict[str, object] = {}

    @property
    def made(self) -> set[str]:
        """Digests of the objects that the result names and that did not go in."""
        return _named(self.result) - {digest for given in self.inputs.values() for digest in given}


class Tombstone(Frozen):
    """What is left of an object or a seal whose payload was deleted on request: chains stay whole, content is gone."""

    of: str
    """The object's digest, or the step's key."""
    kind: Literal["object", "seal"]
    name: str = ""
    """seal: the step's name."""
    at: str
    reason: str


class Store:
    """A folder of sealed results (see the module docstring for its layout)."""

    def __init__(self, root: Path, derived: Path | None = None, read: set[str] | None = None, *, mends: bool = True) -> None:
        """read: takes the digest of every object that is opened. derived: where readers keep what they make of its objects
        and could make again; beside the objects where not given, which a folder that is signed or only read cannot have.
        mends: whether what is damaged is set aside; where not, looking changes nothing."""
        self._mends = mends
        self.root, self.derived, self.read = root, derived or root / "derived", set() if read is None else read

    def put(self, source: Path) -> str:
        """Move the file or folder `source` into the store and return its digest. Putting equal content twice keeps one."""
        with disk_faults(self.root):
            objects = self.root / "objects"
            objects.mkdir(parents=True, exist_ok=True)
            if source.is_file():
                folder = Path(tempfile.mkdtemp(dir=source.parent))
                source = Path(shutil.move(source, folder / source.name)).parent
            if source.is_symlink() or not source.is_dir():
                raise MachineFault(f"{source}: only plain files and folders enter the store")
            manifest = _manifest(source)
            digest = digest_of(manifest)
            target = objects / digest
            if self.has(digest) and (faults := self._faults(digest)):
                self._set_aside(digest, faults)
            if not self.has(digest):
                publish_json(source / MANIFEST, manifest)
                for path in manifest:
                    _fsync_file(source / path)
                _move(source, target)
            if source.exists():
                shutil.rmtree(source)
            return digest

    def has(self, digest: str) -> bool:
        """Whether an object with this digest is here."""
        return (self.root / "objects" / digest / MANIFEST).is_file()

    def path(self, digest: str) -> Path:
        """The folder of an object, whose files were hashed (see the module docstring).

        Raises MachineFault when it is not here, Damaged when it is not what its digest says: it is set aside then.
        """
        if not self.has(digest):
            raise MachineFault(f"the store {self.root} lacks object {digest}: run the step that makes it again")
        if faults := self._faults(digest):
            advice = "it was set aside; run again: what made it makes it again"
            if self._makes:
                self._set_aside(digest, faults)
            else:
                advice = "what it is part of must be made again (a bundle: by the deployment stage)"
            raise Damaged(self.root / "objects" / digest / faults[0], "not what its manifest says", advice)
        self.read.add(digest)
        return self.root / "objects" / digest

    def manifest(self, digest: str) -> dict[str, str]:
        """The files of an object: relative path → SHA-256. Raises what `path` does."""
        files: dict[str, str] = json.loads((self.path(digest) / MANIFEST).read_text())
        return files

    def file(self, digest: str) -> Path:
        """The only file of an object that was put as a single file."""
        (name,) = self.manifest(digest)
        return self.path(digest) / name

    def scratch(self, key: str) -> Path:
        """The folder in which the unsealed step `key` builds; what a killed run left there is still there."""
        folder = self.root / "scratch" / key
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def seal(self, seal: Seal) -> None:
        """Record a finished step, then drop its scratch folder."""
        publish_sealed(self.root / "steps" / f"{seal.key}.json", seal)
        shutil.rmtree(self.root / "scratch" / seal.key, ignore_errors=True)

    def sealed(self, key: str) -> Seal | None:
        """The seal of step `key`, or None when it did not finish, when an object that it names is gone, or when the seal or
        one of those objects is damaged: that is set aside then, so that the step can be done again."""
        seal = self._read(self.root / "steps" / f"{key}.json")
        if seal is None or not all(self.has(digest) for digest in _named(seal.result)):
            return None
        if not self._mends:
            return seal
        damaged = {digest: faults for digest in _named(seal.result) if (faults := self._faults(digest))}
        for digest, faults in damaged.items():
            self._set_aside(digest, faults)
        return None if damaged else seal

    def seals(self) -> list[Seal]:
        """Every seal that is here, also of steps whose objects are gone; a damaged one is set aside."""
        seals = [self._read(path) for path in sorted((self.root / "steps").glob("*.json"))]
        return [seal for seal in seals if seal]

    def whole(self) -> None:
        """Raise Damaged where an object or a seal was set aside as damaged, and was neither made again nor forgotten since:
        what is told from all seals together, such as where a release came from, would leave it out and not say so. Reads
        every seal."""
        self.seals()
        forgotten = self.tombstones()
        for aside in sorted((self.root / "scratch").glob("damaged-*")):
            name = aside.name.removeprefix("damaged-")
            again = self.has(name) or (self.root / "steps" / f"{name}.json").is_file()
            if not again and name not in forgotten:
                raise Damaged(
                    aside, "set aside as that, and not made again since",
                    "run again its use case, which makes it again; or delete it where nobody needs what it belonged to",
                )  # fmt: skip

    def changed(self, key: str) -> bool:
        """Whether an object that step `key` made or was given is damaged, as far as the times of its files show: only one
        that was written after its manifest is hashed. Some 20 µs a file."""
        seal = self._read(self.root / "steps" / f"{key}.json")
        given = seal.inputs.values() if seal else ()
        named = _named(seal.result).union(*given) if seal else set()
        return any(self._written_since(digest) and self._faults(digest) for digest in named if self.has(digest))

    def _written_since(self, digest: str) -> bool:
        folder = self.root / "objects" / digest
        sealed = (folder / MANIFEST).stat().st_mtime_ns
        return any(written > sealed for _, _, written, _, _ in _stamp(folder))

    def _read(self, path: Path) -> Seal | None:
        if not path.is_file():
            return None
        try:
            return Seal.model_validate(read_json(path))
        except (Damaged, ValidationError) as error:
            if not self._mends:
                return None
            aside = self._aside(path.stem)
            aside.mkdir(parents=True)
            with suppress(FileNotFoundError):  # another process was first
                os.rename(path, aside / path.name)
            reason = error.reason if isinstance(error, Damaged) else _first_line(error)
            logger.warning("%s: damaged (%s); set aside in %s: the step is done again", path, reason, aside)
            return None

    def forget(self, digest: str, reason: str) -> bool:
        """Delete the payload of an object and leave a tombstone; says whether it was here. Steps that made it count as not
        sealed from then on. The folder is renamed away first: a killed call leaves no half object."""
        folder, dying = self.root / "objects" / digest, self.root / "scratch" / f"forgotten-{digest}"
        there = folder.is_dir()
        if there:
            self._bury(Tombstone(of=digest, kind="object", at=now(), reason=reason))
            dying.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(dying, ignore_errors=True)
            os.rename(folder, dying)
            fsync_folder(folder.parent)
        if dying.is_dir():
            shutil.rmtree(dying)
        return there

    def unseal(self, key: str, reason: str) -> None:
        """Delete the seal of step `key` and leave a tombstone."""
        path = self.root / "steps" / f"{key}.json"
        if seal := self._read(path):
            self._bury(Tombstone(of=key, kind="seal", name=seal.name, at=now(), reason=reason))
            path.unlink()
            fsync_folder(path.parent)

    def tombstones(self) -> dict[str, Tombstone]:
        """What was deleted on request, by digest or key."""
        paths = (self.root / "tombstones").glob("*.json")
        return {one.of: one for one in (Tombstone.model_validate(read_json(path)) for path in paths)}

    def _bury(self, tombstone: Tombstone) -> None:
        publish_json(self.root / "tombstones" / f"{tombstone.of}.json", tombstone)

    def damaged(self, digests: Iterable[str] | None = None) -> list[str]:
        """Objects (of `digests`; None: all) with a file changed, gone, added or linked since: a 'digest: path' line each."""
        objects = self.root / "objects"
        named = sorted(path.name for path in objects.glob("*/")) if digests is None else digests
        return [f"{digest}: {path}" for digest in named for path in self._faults(digest)]

    def clear(self) -> list[str]:
        """Hash every object and set the damaged ones aside; returns what `damaged` did."""
        damaged = self.damaged()
        for digest in {line.partition(": ")[0] for line in damaged}:
            self._set_aside(digest, self._faults(digest))
        return damaged

    @property
    def _makes(self) -> bool:
        """Whether what is missing here can be made again: a bundle has no seals."""
        return self._mends and (self.root / "steps").is_dir()

    def _faults(self, digest: str) -> tuple[str, ...]:
        folder = self.root / "objects" / digest
        return _faults(folder, _stamp(folder))

    def _set_aside(self, digest: str, faults: tuple[str, ...]) -> None:
        folder, aside = self.root / "objects" / digest, self._aside(digest)
        with disk_faults(folder), suppress(FileNotFoundError):  # another process was first
            os.rename(folder, aside)
        logger.warning("%s: damaged (%s); set aside as %s: it is made again", folder, ", ".join(faults), aside)

    def _aside(self, name: str) -> Path:
        """Where what is damaged goes; what went there before is deleted."""
        aside = self.root / "scratch" / f"damaged-{name}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(parents=True, exist_ok=True)
        return aside

    def copy_to(self, other: "Store", digests: list[str]) -> None:
        """Copy objects into another store (a bundle)."""
        objects = other.root / "objects"
        with disk_faults(objects):
            objects.mkdir(parents=True, exist_ok=True)
            for digest in digests:
                if other.has(digest) and other.damaged([digest]):
                    shutil.rmtree(objects / digest)
                if not other.has(digest):
                    _copy(self.path(digest), objects / digest)


def inputs_of(given: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """What a seal says of its step's inputs: name → the input's own digest, then every digest that it names. A Path is a
    place, not content, and is left out."""
    named = {name: value for name, value in given.items() if not isinstance(value, Path)}
    return {
        name: tuple(dict.fromkeys([digest_of(value), *sorted(set(_QUOTED.findall(canonical(value))))]))
        for name, value in named.items()
    }


def _named(result: object, field: str = "") -> set[str]:
    """Digests of the objects that a result names, however deep."""
    if isinstance(result, dict):
        return {digest for name, value in result.items() for digest in _named(value, name)}
    if isinstance(result, list):
        return {digest for value in result for digest in _named(value, field)}
    return {result} if field in NAMING and isinstance(result, str) and _DIGEST.fullmatch(result) else set()


def _move(source: Path, target: Path) -> None:
    """Rename the folder, durably; from another file system, by way of a copy beside `target`. Where another process put the
    same content first, that stays."""
    try:
        os.rename(source, target)
        fsync_folder(target.parent)
    except OSError as error:
        if error.errno == errno.EXDEV:
            _copy(source, target)
        elif error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        elif not (target / MANIFEST).is_file():  # torn: what is renamed into place is whole
            shutil.rmtree(target)
            _move(source, target)


def _copy(source: Path, target: Path) -> None:
    """Copy the folder beside `target`, make it durable, then rename: a killed copy leaves no half object."""
    copy = Path(tempfile.mkdtemp(dir=target.parent))
    shutil.copytree(source, copy, dirs_exist_ok=True)
    for path in copy.rglob("*"):
        if path.is_file():
            _fsync_file(path)
    _move(copy, target)
    shutil.rmtree(copy, ignore_errors=True)


def _manifest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    if links:
        raise MachineFault(f"{links[0]}: links do not enter the store")
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


Stamp = tuple[tuple[str, int, int, int, int], ...]
"""Of each file: relative path, bytes, times of the last write and of the last change of any kind, inode."""


def _stamp(folder: Path) -> Stamp:
    files = sorted((path, path.lstat()) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return tuple(
        (path.relative_to(folder).as_posix(), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        for path, state in files
    )


@lru_cache(maxsize=4096)
def _faults(folder: Path, stamp: Stamp) -> tuple[str, ...]:
    """The files of an object that are not what its digest says. Remembered by what `_stamp` says of its files."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return (MANIFEST,)
    if digest_of(manifest) != folder.name:
        return (MANIFEST,)
    there = {path for path, *_ in stamp} - {MANIFEST}
    return tuple(
        path
        for path in sorted(there | manifest.keys())
        if path not in there or path not in manifest or not _holds(folder / path, manifest[path])
    )


def _holds(path: Path, digest: str) -> bool:
    """Whether a file is a plain one with that digest."""
    return path.is_file() and not path.is_symlink() and file_digest(path) == digest


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _fsync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
