"""A built wheel works in an environment of its own, from any folder: what it carries is all that the product needs.

Its libraries come from this environment's folder, by a path file: a second copy would take 3.3 GB. What is ours does not:
path files inside that folder, and so the editable installation, are not read by it.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from components.core.code import ROOT

pytestmark = pytest.mark.slow

BUILT_FROM = (
    "components", "flows", "infra", "pyproject.toml", "setup.py", "MANIFEST.in", "constraints.txt", "README.md", "LICENSE",
    "CHANGELOG.md",
)  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `ninefold` of an environment that the wheel was installed into."""
    base = tmp_path_factory.mktemp("wheel")
    (base / "source").mkdir()
    for name in BUILT_FROM:  # a copy: a build leaves folders beside its sources
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, base / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(base), str(base / "source")]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = base.glob("ninefold-*.whl")
    venv.create(base / "env", with_pip=False)
    (site,) = (base / "env/lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [*pip, "--python", str(base / "env/bin/python"), "install", "--quiet", "--no-deps", "--force-reinstall"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True, text=True)
    return base / "env/bin"


@pytest.fixture
def elsewhere(installed: Path, tmp_path: Path):
    """Runs `ninefold` of that environment in an empty folder."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NINEFOLD", "PREFECT", "MLFLOW"))
    }
    folder = tmp_path / "anywhere"
    folder.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(installed / words[0]), *words[1:]]
        return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=200)

    return run


def test_it_is_the_wheel_that_runs(elsewhere, installed: Path) -> None:
    done = elsewhere("python", "-c", "import flows, components; print(flows.__file__, components.__file__)")
    assert all(str(installed.parent) in path for path in done.stdout.split()), done.stdout + done.stderr


def test_doctor_and_plan_know_the_pinned_versions(elsewhere) -> None:
    doctor = elsewhere("ninefold", "doctor")
    assert "✓ torch" in doctor.stdout, doctor.stdout + doctor.stderr
    plan = elsewhere("ninefold", "plan", "voice_helpdesk", "--profile", "smoke")
    assert (plan.returncode, "a run starts at data" in plan.stdout) == (0, True), plan.stdout + plan.stderr


def test_templates_of_targets_come_with_it(elsewhere) -> None:
    probe = "from components.core.code import shipped; print(*sorted(path.name for path in shipped('infra').iterdir()))"
    done = elsewhere("python", "-c", probe)
    assert done.stdout.split() == sorted(path.name for path in (ROOT / "infra").iterdir()), done.stderr


def test_a_stage_runs_from_it(elsewhere) -> None:
    done = elsewhere("ninefold", "run", "voice_helpdesk", "--profile", "smoke", "--until", "use_case")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "feasible" in done.stdout
