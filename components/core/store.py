"""The store: results by content, steps by key.

    objects/<digest>/    a folder of files with a `manifest.json` ({relative path: SHA-256}), whose digest is the object's
    steps/<key>.json     a seal: what a step returned, naming the objects it made; written last
    scratch/<key>/       where an unsealed step builds; never read as a result
    tombstones/<digest or key>.json   an object or a seal whose payload was deleted on request: when, and why

Nothing here knows stages, Prefect or MLflow. A portable bundle (what is registered and served) is a store with the objects
of one Candidate.
"""

import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from .database import now
from .digest import Frozen, canonical, digest_of, file_digest
from .errors import MachineFault
from .files import disk_faults, fsync_folder, publish_json

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

    def __init__(self, root: Path, derived: Path | None = None, read: set[str] | None = None) -> None:
        """read: takes the digest of every object that is opened. derived: where readers keep what they make of its objects
        and could make again; beside the objects where not given, which a folder that is signed or only read cannot have."""
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
            if not self.has(digest):
                publish_json(source / MANIFEST, manifest)
                for path in manifest:
                    _fsync_file(source / path)
                _move(source, target)
                fsync_folder(objects)
            if source.exists():
                shutil.rmtree(source)
            return digest

    def has(self, digest: str) -> bool:
        """Whether an object with this digest is here."""
        return (self.root / "objects" / digest / MANIFEST).is_file()

    def path(self, digest: str) -> Path:
        """The folder of an object; raises MachineFault when it is not here."""
        if not self.has(digest):
            raise MachineFault(f"the store {self.root} lacks object {digest}: run the step that makes it again")
        self.read.add(digest)
        return self.root / "objects" / digest

    def manifest(self, digest: str) -> dict[str, str]:
        """The files of an object: relative path → SHA-256."""
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
        publish_json(self.root / "steps" / f"{seal.key}.json", seal)
        shutil.rmtree(self.root / "scratch" / seal.key, ignore_errors=True)

    def sealed(self, key: str) -> Seal | None:
        """The seal of step `key`, or None when it did not finish or when an object that it names is gone."""
        path = self.root / "steps" / f"{key}.json"
        if not path.is_file():
            return None
        seal = Seal.model_validate_json(path.read_text())
        return seal if all(self.has(digest) for digest in _named(seal.result)) else None

    def seals(self) -> list[Seal]:
        """Every seal that is here, also of steps whose objects are gone."""
        return [Seal.model_validate_json(path.read_text()) for path in sorted((self.root / "steps").glob("*.json"))]

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
        if path.is_file():
            name = Seal.model_validate_json(path.read_text()).name
            self._bury(Tombstone(of=key, kind="seal", name=name, at=now(), reason=reason))
            path.unlink()
            fsync_folder(path.parent)

    def tombstones(self) -> dict[str, Tombstone]:
        """What was deleted on request, by digest or key."""
        tombstones = [Tombstone.model_validate_json(path.read_text()) for path in (self.root / "tombstones").glob("*.json")]
        return {one.of: one for one in tombstones}

    def _bury(self, tombstone: Tombstone) -> None:
        publish_json(self.root / "tombstones" / f"{tombstone.of}.json", tombstone)

    def damaged(self, digests: Iterable[str] | None = None, below: int | None = None) -> list[str]:
        """Objects (of `digests`; None: all) with a file changed, gone, added or linked since: one 'digest: path' line each.

        below: files of so many bytes or more only have to be there; None: every file is hashed
        """
        damage = []
        objects = self.root / "objects"
        for folder in sorted(objects.glob("*/") if digests is None else [objects / digest for digest in digests]):
            manifest = json.loads((folder / MANIFEST).read_text()) if (folder / MANIFEST).exists() else {}
            if digest_of(manifest) != folder.name:
                damage.append(f"{folder.name}: {MANIFEST}")
            there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
            for path in sorted(there | manifest.keys()):
                if path not in there or path not in manifest or not _holds(folder / path, manifest[path], below):
                    damage.append(f"{folder.name}: {path}")
        return damage

    def copy_to(self, other: "Store", digests: list[str]) -> None:
        """Copy objects into another store (a bundle)."""
        objects = other.root / "objects"
        with disk_faults(objects):
            objects.mkdir(parents=True, exist_ok=True)
            for digest in digests:
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
    """Rename the folder; from another file system, by way of a copy beside `target`. Where another process put the same
    content first, that stays."""
    try:
        os.rename(source, target)
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


def _holds(path: Path, digest: str, below: int | None) -> bool:
    """Whether a file is a plain one with that digest; one of `below` bytes or more is taken to have it."""
    if path.is_symlink():
        return False
    return (below is not None and path.stat().st_size >= below) or file_digest(path) == digest


def _fsync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
