"""Publishing files so that a crash never leaves a torn one: temporary file beside it, fsync, rename, fsync folder."""

import errno
import json
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .digest import canonical, digest_of
from .errors import Damaged, MachineFault, NinefoldError

logger = logging.getLogger(__name__)
FULL = "database or disk is full"
"""What SQLite says; SQLAlchemy and MLflow pass it on in errors of their own."""


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk, also one that a library's SQLite met, into one clear message."""
    try:
        yield
    except NinefoldError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            reason = error.strerror
        elif FULL in str(error):
            reason = FULL
        else:
            raise
        raise MachineFault(
            f"{path}: cannot write ({reason}). Free some space or set NINEFOLD_HOME to a folder on another "
            "disk, then run again: sealed steps are kept"
        ) from error


def publish_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all, durable once this returns."""
    publish_bytes(path, text.encode())


def publish_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all, durable once this returns."""
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.rename(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)


def publish_private(path: Path, data: bytes) -> None:
    """Write `data` to a new file that nobody else can read at any moment. One that is there already stays as it is."""
    with disk_faults(path):
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)  # a killed call's, from a process with this id: in a container always the same
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)
        except FileExistsError:
            return  # another process was first
        finally:
            temporary.unlink()
        fsync_folder(path.parent)


def publish_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    publish_text(path, json.dumps(json.loads(canonical(value)), indent=2, ensure_ascii=False) + "\n")


def publish_sealed(path: Path, value: object) -> None:
    """Write `value` (a mapping as JSON) with its own digest in it, so that whoever reads it can tell a changed one."""
    content = json.loads(canonical(value))
    publish_json(path, {**content, "digest": digest_of(content)})


def read_json(path: Path) -> Any:
    """The value of a JSON file that we wrote ourselves, without its `digest` where it has one (`publish_sealed`).

    Raises Damaged, which names the file, for one that is torn or is no longer what its digest says.
    """
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Damaged(path, str(error)) from error
    if isinstance(content, dict) and "digest" in content and content.pop("digest") != digest_of(content):
        raise Damaged(path, "its content is not what its digest says")
    return content


def set_aside(path: Path, reason: str, then: str) -> None:
    """Rename a damaged file to `<name>.damaged`, over an earlier one, and say so. then: what happens without it"""
    aside = path.with_name(f"{path.name}.damaged")
    with disk_faults(path):
        path.replace(aside)
    logger.warning("%s: damaged (%s); set aside as %s: %s", path, reason, aside.name, then)


def fsync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_jsonl(path: Path) -> list[Any]:
    """All rows of a JSONL file that we wrote ourselves."""
    # Not splitlines(): texts may hold U+0085 or U+2028, which JSON leaves as they are.
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def write_jsonl(path: Path, rows: Iterable[object]) -> None:
    """One canonical JSON value a line, so that equal rows give equal bytes."""
    publish_text(path, "".join(canonical(row) + "\n" for row in rows))
