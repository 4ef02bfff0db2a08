"""Name, version and declared licence of every installed library, `docs/licences.json`.

    python docs/licences.py      write it anew (`make docs`), after the pins changed

Read from what each distribution says of itself; one that says nothing is named by hand, after its licence file. Not covered:
libraries that a wheel carries inside (torch's, numpy's), beyond what its expression names.
"""

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

from components.core import publish_json

FILE = Path(__file__).with_suffix(".json")
OURS = {"ninefold", "pip", "setuptools", "wheel"}
"""The project itself, and what a new environment brings."""
BY_ITS_FILE = {
    "axe-playwright-python": "MIT", "huey": "MIT", "sigstore-models": "MIT", "skops": "MIT", "harfile": "MIT",
    "hypothesis-graphql": "MIT", "pyrate-limiter": "MIT",
}  # fmt: skip


def licences() -> dict[str, str]:
    """`name==version` → licence of everything that is installed; `unknown` where nothing says it."""
    found = {normal(one.name): one for one in distributions() if normal(one.name) not in OURS}
    return {f"{name}=={found[name].version.partition('+')[0]}": _licence(name, found[name]) for name in sorted(found)}


def normal(name: str) -> str:
    """A distribution's name in the one spelling that indexes compare (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(name: str, distribution: Distribution) -> str:
    said = distribution.metadata
    classifiers = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    named = [line for line in classifiers if line != "OSI Approved"]
    text = str(said.get("License") or "").strip().partition("\n")[0]
    declared = str(said.get("License-Expression") or "") or "; ".join(named) or text[:60]
    return BY_ITS_FILE.get(name) or declared or "unknown"


if __name__ == "__main__":
    publish_json(FILE, licences())
