"""The operator's signing key: one elliptic-curve pair (ECDSA on P-256, FIPS 186-5), in PEM files.

It signs what a release rests on: approvals, and the folder that is served. It belongs to the operator, not to a workspace:
NINEFOLD_KEYS names its folder, `~/.config/ninefold` where that is not set. A machine that only verifies needs the public
half alone, and `retired/` beside it: the public keys of before (`ninefold keys rotate`), each with the time until which it
signed. Not covered: passwords, hardware keys, transparency logs; and since a signer's clock is believed, what a thief of a
key signs before it is retired.
"""

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .database import now
from .digest import Frozen
from .errors import BadInput
from .files import disk_faults, fsync_folder, publish_bytes, publish_json, publish_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PRIVATE, PUBLIC, RETIRED = "signing.pem", "signing.pub.pem", "retired"


class Retired(Frozen):
    """A key that signs no more."""

    at: str
    """Until when it signed: a later signature is not believed."""
    revoked: str = ""
    """When it was called lost or stolen: from then on no signature is believed that has no time of its own."""


def keys_folder() -> Path:
    """Where this operator's keys lie."""
    return Path(os.environ.get("NINEFOLD_KEYS", "~/.config/ninefold")).expanduser().absolute()


def private_key() -> Path | None:
    """The file of the private key, or None where there is none."""
    path = keys_folder() / PRIVATE
    return path if path.is_file() else None


def public_key(key: str | None = None) -> Path | None:
    """The file of the public key, or of the one with the name `key`, today's or a retired one; None where there is none."""
    current = keys_folder() / PUBLIC
    if key is None:
        return current if current.is_file() else None
    path = current if key_id() == key else keys_folder() / RETIRED / f"{Path(key).name}.pub.pem"
    return path if path.is_file() and _name(path) == key else None


def retired_keys() -> dict[str, Retired]:
    """Name → until when it signed, of every key that is not today's."""
    files = sorted((keys_folder() / RETIRED).glob("*.json"))
    return {path.stem: Retired.model_validate_json(path.read_text()) for path in files if path.stem != key_id()}


def make_keys() -> bool:
    """Make the pair unless there is one; says whether it did. The private half can be read by its owner only.

    An interrupted call leaves no public key without its private one; called again it finishes.
    """
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
            publish_private(folder / PRIVATE, _new_private())
    publish_bytes(folder / PUBLIC, _public_pem())
    return True


def rotate_keys() -> str:
    """Put a new pair in place of today's and return the retired key's name. Its public half is kept, with the time; its
    private half is gone.

    An interrupted call leaves no public key in place, so that nothing is signed; called again it finishes. Raises BadInput
    where there is no pair.
    """
    folder = keys_folder()
    if private_key() is None:
        raise BadInput(f"{folder}: no private key to put another in place of. Make a pair: `ninefold keys init`")
    if public_key() is None:  # an earlier call was interrupted; whether before or after the new key came, the pair says
        make_keys()
        before = {path.stem: path.stat().st_mtime_ns for path in (folder / RETIRED).glob("*.json")}
        if before and key_id() not in before:
            return max(before, key=lambda name: before[name])
    old, path = key_id() or "", folder / PUBLIC
    with disk_faults(folder):
        (folder / RETIRED).mkdir(exist_ok=True, mode=0o700)
        publish_bytes(folder / RETIRED / f"{old}.pub.pem", path.read_bytes())
        until = folder / RETIRED / f"{old}.json"
        publish_json(until, Retired(at=now()))  # counts for nothing while its key is in place; says where a kill came
        path.unlink()  # from here on nobody signs with it, so that no signature is younger than the time below
        publish_json(until, Retired(at=now()))
        fresh = folder / f".{PRIVATE}.new"
        fresh.unlink(missing_ok=True)
        publish_private(fresh, _new_private())
        os.replace(fresh, folder / PRIVATE)
        fsync_folder(folder)
    publish_bytes(path, _public_pem())
    return old


def revoke_key(key: str) -> Retired:
    """Call a key lost or stolen: today's is replaced first. Raises BadInput for one that is not here."""
    if key == key_id():
        rotate_keys()
    known = retired_keys()
    if key not in known:
        names = ", ".join(filter(None, [key_id(), *known]))
        raise BadInput(f"{keys_folder()}: holds no key '{key}'; there are {names or 'none'}")
    revoked = known[key] if known[key].revoked else Retired(at=known[key].at, revoked=now())
    publish_json(keys_folder() / RETIRED / f"{key}.json", revoked)
    return revoked


def key_id() -> str | None:
    """A name for the public key: the start of its file's SHA-256; None where there is none."""
    path = public_key()
    return _name(path) if path else None


def sign(data: bytes) -> str:
    """Signature of `data` (ECDSA over SHA-256, base64). Raises BadInput where this machine has no private key."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return base64.b64encode(_private().sign(data, ECDSA(SHA256()))).decode()


def verified(data: bytes, signature: str, key: str | None = None) -> bool:
    """Whether `signature` is the operator's, for exactly `data`; key: the name of a retired one, where it is not today's.
    When it may have signed is for the caller to ask (`retired_keys`). Raises BadInput where there is no such public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    path = public_key(key)
    if path is None:
        raise BadInput(f"{keys_folder()}: no public key to verify a signature with. Make a pair: `ninefold keys init`")
    public = load_pem_public_key(path.read_bytes())
    assert isinstance(public, EllipticCurvePublicKey), "make_keys makes no other"
    try:
        public.verify(base64.b64decode(signature, validate=True), data, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _name(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _new_private() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _private() -> "EllipticCurvePrivateKey":
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
