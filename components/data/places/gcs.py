"""An object of Google Cloud Storage, `gs://<bucket>/<key>`, or all below `gs://<bucket>/<folder>/`.

Credentials come from where Google's own tools look (GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth`, the machine's account),
never from the contract.
"""

from typing import IO

from ..objects import copy, inside
from . import Got

NAMES = ("gs", "gcs")
PACKAGES = ("gcsfs",)


def below(url: str) -> list[str]:
    """See places/__init__.py."""
    from gcsfs.core import GCSFileSystem
    from gcsfs.retry import HttpError
    from google.auth.exceptions import GoogleAuthError

    return inside(url, lambda: GCSFileSystem(skip_instance_cache=True), (HttpError, GoogleAuthError))


def fetch(url: str, file: IO[bytes]) -> Got:
    """Facts: ETag, generation, date of change."""
    from gcsfs.core import (
        GCSFileSystem,
    )  # that of `gcsfs` asks for zonal buckets over gRPC first, and hangs on other servers
    from gcsfs.retry import HttpError
    from google.auth.exceptions import GoogleAuthError

    facts = {"etag": "etag", "generation": "version", "updated": "changed"}
    return copy(url, file, lambda: GCSFileSystem(skip_instance_cache=True), facts, (HttpError, GoogleAuthError))
