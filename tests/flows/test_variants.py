"""Adding a variant to a listed folder re-runs nobody's workspace; editing one in use re-runs what used it."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.core.code import ALSO_NAMED_BY, PACKAGES, ROOT
from tests.conftest import USE_CASE, Finished, environment


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, to add files to."""
    folder = tmp_path_factory.mktemp("checkout")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "constraints.txt", folder)
    shutil.copytree(ROOT / "infra", folder / "infra")
    return folder


@pytest.fixture(scope="module")
def home(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished.copy(tmp_path_factory.mktemp("variants") / "home").home


def planned(checkout: Path, home: Path) -> dict[str, str]:
    """Stage → its status in a plan that the copy of the code makes for the finished smoke run."""
    command = [sys.executable, "-m", "flows.cli", "plan", str(USE_CASE), "--profile", "smoke", "--json"]
    own = {**environment(home), "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=own, cwd=checkout, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return {stage["stage"]: stage["status"] for stage in report["stages"]}


def listed(checkout: Path) -> list[Path]:
    """Every folder whose `__init__` finds its files by listing."""
    inits = (checkout / "components").rglob("__init__.py")
    return sorted(init.parent for init in inits if "import_module" in init.read_text())


def under_its_own_name(text: str) -> str:
    """A variant's code with another word in place of those that it is named by beside its file's stem."""
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(name := node.targets[0], ast.Name) and name.id in ALSO_NAMED_BY:
            lines[node.lineno - 1 : node.end_lineno] = [f'{name.id} = (".dummy",)']
    return "\n".join(lines) + "\n"


def test_a_new_variant_in_every_listed_folder_re_runs_nothing_and_an_edited_one_does(checkout: Path, home: Path) -> None:
    before = planned(checkout, home)
    assert set(before.values()) <= {"reused", "skipped"}, before
    folders = listed(checkout)
    assert len(folders) >= 6, folders
    for folder in folders:
        variant = next(path for path in sorted(folder.glob("*.py")) if path.stem not in ("__init__", "draft"))
        (folder / "dummy_variant.py").write_text(under_its_own_name(variant.read_text()))
    assert planned(checkout, home) == before
    edited = checkout / "components/prompting/methods/few_shot.py"
    edited.write_text(edited.read_text() + "\nEDITED = 1\n")
    after = planned(checkout, home)
    assert (after["selection"], after["prompting"]) == ("reused", "will run")


def test_the_code_that_was_asked_is_the_copy(checkout: Path) -> None:
    probe = "import components.core.code as code; print(code.ROOT)"
    own = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run([sys.executable, "-c", probe], env=own, cwd=checkout, capture_output=True, text=True)
    assert Path(done.stdout.strip()) == checkout
