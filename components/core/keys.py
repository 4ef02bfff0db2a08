"""The operator's signing key: one elliptic-curve pair (ECDSA on P-256, FIPS 186-5), in PEM files.

It signs what a release rests on: approvals, and the folder that is served. It belongs to the operator, not to a workspace:
NINEFOLD_KEYS names its folder, `~/.config/ninefold` where that is not set. A machine that only verifies needs the public
half alone. Not covered: rotation, passwords, hardware keys.
"""

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

from .errors import BadInput
from .files import disk_faults, fsync_folder, publish_bytes

PRIVATE, PUBLIC = "signing.pem", "signing.pub.pem"


def keys_folder() -> Path:
    """Where this operator's keys lie."""
    return Path(os.environ.get("NINEFOLD_KEYS", "~/.config/ninefold")).expanduser().absolute()


def private_key() -> Path | None:
    """The file of the private key, or None where there is none."""
    path = keys_folder() / PRIVATE
    return path if path.is_file() else None


def public_key() -> Path | None:
    """The file of the public key, or None where there is none."""
    path = keys_folder() / PUBLIC
    return path if path.is_file() else None


def make_keys() -> bool:
    """Make the pair unless there is one; says whether it did. The private half can be read by its owner only.

    An interrupted call leaves no public key without its private one; called again it finishes.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if private_key() and public_key():
        return False
    folder = keys_folder()
    if public_key() and not private_key():
        raise BadInput(
            f"{folder}: holds a public key without its private one. Bring the private key back, or set NINEFOLD_KEYS to "
            "another folder: a new pair here would make every signature of the old one unreadable"
        )
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not private_key():
            pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _publish_private(folder / PRIVATE, pem)
    publish_bytes(folder / PUBLIC, _public_pem())
    return True


def key_id() -> str | None:
    """A name for the public key: the start of its file's SHA-256; None where there is none."""
    path = public_key()
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path else None


def sign(data: bytes) -> str:
    """Signature of `data` (ECDSA over SHA-256, base64). Raises BadInput where this machine has no private key."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return base64.b64encode(_private().sign(data, ECDSA(SHA256()))).decode()


def verified(data: bytes, signature: str) -> bool:
    """Whether `signature` is the operator's, for exactly `data`. Raises BadInput where there is no public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    path = public_key()
    if path is None:
        raise BadInput(f"{keys_folder()}: no public key to verify a signature with. Make a pair: `ninefold keys init`")
    key = load_pem_public_key(path.read_bytes())
    assert isinstance(key, EllipticCurvePublicKey), "make_keys makes no other"
    try:
        key.verify(base64.b64decode(signature, validate=True), data, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _private() -> Any:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = private_key()
    if path is None:
        raise BadInput(f"{keys_folder()}: no private key to sign with. Make a pair: `ninefold keys init`")
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, EllipticCurvePrivateKey), "make_keys makes no other"
    return key


def _public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return _private().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _publish_private(path: Path, pem: bytes) -> None:
    """Write the key so that nobody else can read it at any moment, and never over another one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return  # another process made the pair first
    finally:
        temporary.unlink()
    fsync_folder(path.parent)
