"""The signature over a bundle: OpenSSF model signing (the SHA-256 of every file, signed) with the operator's key.

It covers the whole folder: a file that was changed, added, removed, renamed or swapped, and a link, each break it. It says
nothing about whose release the folder is: the Candidate inside does, and whoever starts a server compares that with the
registry. Not covered: empty folders, transparency logs, certificates.
"""

import ast
import re
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .errors import GateRefused, MissingPackage
from .files import publish_bytes
from .keys import key_id, keys_folder, private_key, public_key, retired_keys

if TYPE_CHECKING:
    from model_signing.hashing import Config

SIGNATURE = "signature.sigstore.json"
"""The one file of a bundle that the signature does not cover."""
UNREADABLE = re.compile(r": Expected 'Digest\(.*\)', Actual 'Digest\(.*\)'$| This behavior can .*", re.DOTALL)
"""What the library puts behind the name of a changed file: raw bytes of two digests, its own switches."""


def sign_bundle(bundle: Path) -> str:
    """Sign the folder as it is and return the key's name. Raises AssertionError where there is no private key."""
    signing, _, hashing = _library()
    key = private_key()
    assert key, "the caller looks for a key first"
    with tempfile.TemporaryDirectory() as folder:
        signature = Path(folder) / SIGNATURE
        config = signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(_files(hashing))
        config.sign(bundle, signature)
        publish_bytes(bundle / SIGNATURE, signature.read_bytes())
    return key_id() or ""


def check_signature(bundle: Path, signer: str | None = None) -> None:
    """Refuse a bundle whose signature does not hold.

    signer: name of the key that the registry says the release was signed by; "" when it says that it was released unsigned;
            None where nobody can be asked (a container, another process). Then the bundle must be signed wherever this
            machine holds a public key, so that taking the signature away gains nothing.
    Raises GateRefused with what is wrong.
    """
    own, old = key_id(), retired_keys()
    known = [*([own] if own else []), *old]
    if signer and signer not in known:
        here = f"here is key {own}" if own else f"{keys_folder()} holds no public key"
        raise GateRefused(
            f"{bundle}: released with the signature of key {signer}, and {here}. Set NINEFOLD_KEYS to the folder of that key"
        )
    if signer and signer in old and old[signer].revoked:
        raise GateRefused(
            f"{bundle}: signed by key {signer}, which was revoked at {old[signer].revoked}: nobody can say who signed it. "
            "Release it again with today's key"
        )
    if not known:
        return
    signature = bundle / SIGNATURE
    if not signature.is_file() and not signature.is_symlink():
        if signer == "":
            return
        raise GateRefused(
            f"{bundle}: not signed, and key {known[0]} is here to verify with. Release it again to have it signed"
        )
    if signature.is_symlink():
        raise GateRefused(f"{bundle}: its signature is a link. Bring the folder back as it was released")
    trusted = [signer] if signer else [key for key in known if key not in old or not old[key].revoked]
    if not trusted:
        raise GateRefused(f"{bundle}: every key in {keys_folder()} was revoked. Make another: `ninefold keys init`")
    faults = [_fault(bundle, signature, key) for key in trusted]
    if all(faults):
        raise GateRefused(
            f"{bundle}: its signature by key {trusted[0]} does not hold: {faults[0]}. Bring the folder back as it was "
            "released, or release it again"
        )


def _fault(bundle: Path, signature: Path, key: str) -> str:
    """Why the signature is not that of `key` over exactly this folder; empty where it is."""
    _, verifying, hashing = _library()
    config = verifying.Config().use_elliptic_key_verifier(public_key=public_key(key))
    try:
        config.set_hashing_config(_files(hashing)).verify(bundle, signature)
    except Exception as error:  # noqa: BLE001 whatever it is, the signature does not hold
        return _readable(str(error).removeprefix("Signature mismatch: ")) or type(error).__name__
    return ""


def _readable(message: str) -> str:
    """What the library says, without raw bytes. It prints a list of texts, in whichever quotes the bytes in them allow."""
    try:
        texts = ast.literal_eval(message)
    except (ValueError, SyntaxError):
        texts = None
    lines = texts if isinstance(texts, list) else [message]
    return ", ".join(UNREADABLE.sub("", str(text)).rstrip(". ") for text in lines)


def _files(hashing: ModuleType) -> "Config":
    """Every file of the bundle but the signature. The library leaves out git's files unless it is told not to."""
    return hashing.Config().set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=False)


def _library() -> tuple[ModuleType, ModuleType, ModuleType]:
    """model_signing's (signing, verifying, hashing): half a second to load, so only where there is a key."""
    try:
        from model_signing import hashing, signing, verifying
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("model_signing", "OpenSSL"):
            raise
        raise MissingPackage("model-signing", "the signature of a served folder") from error
    return signing, verifying, hashing
