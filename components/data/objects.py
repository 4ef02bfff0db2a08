"""One object of a bucket, by fsspec: what S3 and Google Cloud Storage have in common."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from components.core import BadInput, MachineFault
from components.core.address import without_secrets

from .places import Got, file_name

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

BLOCK = 2**20


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
    shown = without_secrets(url)
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadInput(
            f"{shown}: give `{parts.scheme}://<bucket>/<key>` alone. Credentials are found where the store's own tools look"
        )
    if not parts.netloc or not parts.path.strip("/") or parts.path.endswith("/"):
        raise BadInput(f"{shown}: give one object, as in `{parts.scheme}://<bucket>/<folder>/rows.jsonl`")
    try:
        store = connect()
        known = store.info(url)
        if known["type"] != "file":
            raise BadInput(f"{shown}: it is a folder; give one object of it")
        for block in _blocks(store, url):
            file.write(block)
        store.invalidate_cache()
        changed = [theirs for theirs in facts if store.info(url).get(theirs) != known.get(theirs)]
    except FileNotFoundError as error:
        raise BadInput(f"{shown}: no such bucket or object ({error})") from error
    except PermissionError as error:
        raise BadInput(f"{shown}: the credentials found here may not read it ({error})") from error
    except faults as error:
        raise MachineFault(f"{shown}: it cannot be read ({error}). Check the network and the credentials") from error
    if changed:
        raise MachineFault(f"{shown}: it was changed while it was read. Run again")
    said = {ours: known.get(theirs) for theirs, ours in facts.items()}
    return Got(file_name(PurePosixPath(parts.path).name), {key: str(value) for key, value in said.items() if value})


def _blocks(store: "AbstractFileSystem", url: str) -> Iterator[bytes]:
    with store.open(url, "rb", block_size=BLOCK) as remote:
        while block := remote.read(BLOCK):
            yield block
