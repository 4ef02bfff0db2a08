"""Digests: one canonical JSON form, one hash (SHA-256, hexadecimal, 64 characters; people are shown the first 12)."""

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that never changes, refuses unknown keys, and is named by the digest of its JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @property
    def digest(self) -> str:
        return digest_of(self)


def canonical(value: object) -> str:
    """`value` (pydantic models, dicts, sequences, scalars) as JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def digest_of(value: object) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short(digest: str) -> str:
    """The first 12 characters: what people are shown."""
    return digest[:12]


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")
