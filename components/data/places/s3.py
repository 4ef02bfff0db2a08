"""An object of S3, or of a store that speaks as S3 does, `s3://<bucket>/<key>`, or all below `s3://<bucket>/<folder>/`.

Credentials, region and another endpoint come from where AWS's own tools look (AWS_PROFILE, AWS_ACCESS_KEY_ID, ~/.aws, the
machine's role; AWS_ENDPOINT_URL), never from the contract.
"""

from typing import IO

from ..objects import copy, inside
from . import Got

NAMES = ("s3",)
PACKAGES = ("s3fs",)


def below(url: str) -> list[str]:
    """See places/__init__.py."""
    from botocore.exceptions import BotoCoreError
    from s3fs import S3FileSystem

    return inside(url, lambda: S3FileSystem(skip_instance_cache=True), (BotoCoreError,))


def fetch(url: str, file: IO[bytes]) -> Got:
    """Facts: ETag, version where the bucket keeps versions, date of change."""
    from botocore.exceptions import BotoCoreError
    from s3fs import S3FileSystem

    facts = {"ETag": "etag", "VersionId": "version", "LastModified": "changed"}
    return copy(url, file, lambda: S3FileSystem(skip_instance_cache=True), facts, (BotoCoreError,))
