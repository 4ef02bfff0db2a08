"""Objects of a bucket, by fsspec: what S3 and Google Cloud Storage have in common."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from components.core import BadInput, MachineFault
from components.core.address import without_secrets

from .places import Got, file_name

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

BLOCK = 2**20
MOST = 10_000
"""Objects of a folder: more are a slip of the address."""


def copy(
    url: str,
    file: IO[bytes],
    connect: "Callable[[], AbstractFileSystem]",
    facts: Mapping[str, str],
    faults: tuple[type[Exception], ...],
) -> Got:
    """Write the object at `url` into `file`. facts: what the store calls them → what the provenance does. faults: exceptions
    of the store's library, beside OSError, for a place that cannot be asked.

    Raises BadInput for an address that is none or holds a password, and for what is not there or may not be read.
    """
    shown, parts = _parts(url)
    if not parts.path.strip("/"):
        raise BadInput(
            f"{shown}: give one object, as in `{parts.scheme}://<bucket>/<folder>/rows.jsonl`, or a folder with `/`"
        )
    with _told(shown, faults):
        store = connect()
        known = store.info(url)
        if known["type"] != "file":
            raise BadInput(f"{shown}: it is a folder; end it with `/` for all that lies in it, or give one object of it")
        for block in _blocks(store, url):
            file.write(block)
        store.invalidate_cache()
        changed = [theirs for theirs in facts if store.info(url).get(theirs) != known.get(theirs)]
    if changed:
        raise MachineFault(f"{shown}: it was changed while it was read. Run again")
    said = {ours: known.get(theirs) for theirs, ours in facts.items()}
    return Got(file_name(PurePosixPath(parts.path).name), {key: str(value) for key, value in said.items() if value})


def _blocks(store: "AbstractFileSystem", url: str) -> Iterator[bytes]:
    with store.open(url, "rb", block_size=BLOCK) as remote:
        while block := remote.read(BLOCK):
            yield block


def inside(url: str, connect: "Callable[[], AbstractFileSystem]", faults: tuple[type[Exception], ...]) -> list[str]:
    """The addresses of all objects below `url`, in the order of their keys, hidden ones left out. faults: see `copy`

    Raises BadInput for an address that is none, and for a folder that is empty or not there, may not be read, or is too big.
    """
    shown, parts = _parts(url)
    with _told(shown, faults):
        keys = sorted(connect().find(url))
    bucket = f"{parts.scheme}://"
    names = [bucket + key for key in keys if not key.endswith("/")]  # consoles make such an object for an empty folder
    found = [name for name in names if not any(part.startswith(".") for part in name.removeprefix(url).split("/"))]
    if not 0 < len(found) <= MOST:
        many = (
            f"it holds {len(found):,} objects, and {MOST:,} are the most that a source has" if found else "no object there"
        )
        raise BadInput(f"{shown}: {many}. Give a folder as `{bucket}<bucket>/<folder>/`")
    return found


def _parts(url: str) -> tuple[str, SplitResult]:
    """(the address as it may be shown, its parts); raises BadInput where there is more in it than bucket and key."""
    shown, parts = without_secrets(url), urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadInput(
            f"{shown}: give `{parts.scheme}://<bucket>/<key>` alone. Credentials are found where the store's own tools look"
        )
    if not parts.netloc:
        raise BadInput(f"{shown}: give one object, as in `{parts.scheme}://<bucket>/<folder>/rows.jsonl`")
    return shown, parts


@contextmanager
def _told(shown: str, faults: tuple[type[Exception], ...]) -> Iterator[None]:
    """What the store's library raises, in our words."""
    try:
        yield
    except FileNotFoundError as error:
        raise BadInput(f"{shown}: no such bucket or object ({error})") from error
    except PermissionError as error:
        raise BadInput(f"{shown}: the credentials found here may not read it ({error})") from error
    except faults as error:
        raise MachineFault(f"{shown}: it cannot be read ({error}). Check the network and the credentials") from error
