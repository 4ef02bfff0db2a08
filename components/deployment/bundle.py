"""Export a Candidate as a bundle: the portable folder that is registered, served and put into images.

`components.serving.bundle` has its layout and reads it.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from components.core import Candidate, Example, GateRefused, MachineFault, Store, publish_json
from components.core.files import disk_faults, fsync_folder
from components.core.keys import PUBLIC, RETIRED, key_id, keys_folder, private_key
from components.core.signature import SIGNATURE, check_signature, sign_bundle
from components.serving.bundle import CANDIDATE, REFERENCE, load_bundle


def export(candidate: Candidate, store: Store, folder: Path, reference: Sequence[Mapping[str, object]]) -> Path:
    """Write the bundle of `candidate` to `folder` and return it; one that is there already is returned as it is.

    reference: what the Candidate answered when it was measured (`reference_rows`)
    It is built beside `folder` and renamed, so that half a bundle is never served.
    """
    if (folder / CANDIDATE).is_file():
        return folder
    with disk_faults(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building."))
        try:
            store.copy_to(Store(building / "store"), candidate.objects)
            publish_json(building / REFERENCE, list(reference))
            publish_json(building / CANDIDATE, candidate)
            for path in [building, *building.rglob("*")]:  # the server in an image runs as another user
                path.chmod(0o755 if path.is_dir() else 0o644)
            os.rename(building, folder)
            fsync_folder(folder.parent)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


def sign(candidate: Candidate, folder: Path, reference: Sequence[Mapping[str, object]]) -> str:
    """Sign the bundle in `folder` with the operator's key; returns the key's name, "" where this machine has no private key.

    A signature of that key that holds is left as it is, so that what is deployed again is the same, byte for byte.
    What a signature says must be so: a bundle that an earlier run left is compared with the Candidate's digests first, and
    what no digest covers is written anew. Raises MachineFault when it holds anything else.
    """
    if private_key() is None:
        return ""
    publish_json(folder / REFERENCE, list(reference))
    publish_json(folder / CANDIDATE, candidate)
    shutil.rmtree(folder / "store" / "derived", ignore_errors=True)  # older servers kept their tables here
    load_bundle(folder)
    objects = folder / "store" / "objects"
    due = {folder / CANDIDATE, folder / REFERENCE, folder / SIGNATURE}
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    for path in files:
        ours = path in due or (objects in path.parents and path.relative_to(objects).parts[0] in candidate.objects)
        if path.is_symlink() or not ours:
            raise MachineFault(f"{path}: no part of the bundle that is to be signed. Remove {folder}, and deploy again")
    return key if (key := key_id()) and _signed(folder, key) else sign_bundle(folder)


def _signed(folder: Path, key: str) -> bool:
    try:
        check_signature(folder, key)
    except GateRefused:
        return False
    return True


def copy_bundle(bundle: Path, target: Path) -> None:
    """Copy a bundle to `target/bundle`, and to `target/keys` what a machine that only verifies needs of the operator's keys,
    where the bundle is signed; both are readable for any user."""
    # a table that the trial endpoint made beside the objects belongs to this user: the copy makes its own
    shutil.copytree(bundle, target / "bundle", ignore=shutil.ignore_patterns("derived"))
    (target / "keys" / RETIRED).mkdir(parents=True)
    for path in public_keys() if (bundle / SIGNATURE).is_file() else ():
        shutil.copy(path, target / "keys" / path.relative_to(keys_folder()))
    for path in [*(target / "bundle").rglob("*"), *(target / "keys").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def public_keys() -> list[Path]:
    """The operator's public keys, today's and those of before; some of these files may not be there."""
    return [keys_folder() / PUBLIC, *sorted((keys_folder() / RETIRED).glob("*"))]


def reference_rows(examples: Sequence[Example]) -> list[dict[str, object]]:
    """Measured examples in the traffic log's form. `seconds` is None: answers measured in batches have no latency."""
    return [
        {
            "id": example["id"],
            "input": example["text"],
            "answer": example["answer"],
            "passages": list(example.get("passages") or []),
            "scores": list(example.get("scores") or []),
            "seconds": None,
        }
        for example in examples
    ]
