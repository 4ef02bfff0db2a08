"""Export a Candidate as a bundle: the portable folder that is registered, served and put into images.

`components.serving.bundle` has its layout and reads it.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.core import Candidate, Store, publish_json
from components.core.files import disk_faults, fsync_folder


def export(candidate: Candidate, store: Store, folder: Path, reference: Sequence[dict[str, Any]]) -> Path:
    """Write the bundle of `candidate` to `folder` and return it; one that is there already is returned as it is.

    reference: what the Candidate answered when it was measured (`reference_rows`)
    It is built beside `folder` and renamed, so that half a bundle is never served.
    """
    if (folder / "candidate.json").is_file():
        return folder
    with disk_faults(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building."))
        try:
            store.copy_to(Store(building / "store"), candidate.objects)
            publish_json(building / "reference.json", list(reference))
            publish_json(building / "candidate.json", candidate)
            for path in [building, *building.rglob("*")]:  # the server in an image runs as another user
                path.chmod(0o755 if path.is_dir() else 0o644)
            os.rename(building, folder)
            fsync_folder(folder.parent)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


def reference_rows(examples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
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
