"""A process that sees no other distributions than those that a variant names: what an image of its application holds."""

import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from packaging.requirements import Requirement

from components.core.code import ROOT
from components.deployment.requirements import CORE


def said_with_only(packages: Iterable[str], code: str, *arguments: str, folder: Path) -> list[str]:
    """What `code` prints, by words. folder: a scratch folder"""
    seen = only({*CORE, *packages}, folder / "packages")
    command = [sys.executable, "-S", "-c", code, *arguments]
    own = {**os.environ, "PYTHONPATH": f"{ROOT}:{seen}"}
    done = subprocess.run(command, env=own, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def only(packages: Iterable[str], folder: Path) -> Path:
    """`folder` with links to these distributions and all that they require: PYTHONPATH of an interpreter started with -S,
    which then sees no other, nor this checkout."""
    folder.mkdir()
    for name in with_dependencies({*packages}):
        for top in {path.parts[0] for path in distribution(name).files or ()} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(str(distribution(name).locate_file(top)))
    return folder


def with_dependencies(names: set[str]) -> set[str]:
    """`names` and all that they require, as far as it is installed here."""
    found, todo = set(), [*names]
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            wanted = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            continue
        found.add(name)
        todo += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found
