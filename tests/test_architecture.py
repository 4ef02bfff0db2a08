"""The layout that the design promises: imports go one way, stages look alike, and the light parts stay light."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from components.core.code import ROOT
from components.core.use_case import STAGES

LAYERS = ({"core"}, {"text"}, {"tasks"}, {"application", "measure"}, {"training"}, {"ladder"})
"""Each may import those before it; every other component may import all of them, and no other of its kind."""
MAY_BE_IMPORTED_BY = {"serving": {"deployment"}, "governance": {"deployment"}}
HEAVY = (
    "torch",
    "transformers",
    "mlflow",
    "prefect",
    "great_expectations",
    "evidently",
    "lancedb",
    "pandas",
    "sklearn",
    "lm_eval",
)
COMPONENTS = sorted(path.name for path in (ROOT / "components").iterdir() if (path / "__init__.py").exists())
FILES = sorted([*(ROOT / "components").rglob("*.py"), *(ROOT / "flows").rglob("*.py")])


def imported(path: Path) -> set[str]:
    """Dotted names of everything that a file imports, relative imports made absolute."""
    package = path.parent.relative_to(ROOT).parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path: Path):
    parts = path.relative_to(ROOT).parts
    for name in imported(path):
        target = name.split(".")
        if parts[0] == "components":
            assert target[0] != "flows", f"{path}: components know nothing of flows"
            assert target[0] != "prefect", f"{path}: only flows knows Prefect"
        if parts[0] == "components" and target[0] == "components" and len(target) > 1 and len(parts) > 2:
            own, other = parts[1], target[1]
            level = next((i for i, layer in enumerate(LAYERS) if own in layer), len(LAYERS))
            allowed = {own}.union(*LAYERS[:level])
            assert other in allowed or own in MAY_BE_IMPORTED_BY.get(other, ()), f"{path}: {own} may not import {other}"


NEEDED_BY_OTHERS = {
    "gguf": "transformers reads the packaged checkpoints with it",
    "lxml-html-clean": "justext, which trafilatura needs, imports it without declaring it",
    "onnx-ir": "the builder of onnxruntime-genai imports it without declaring it",
    "pyopenssl": "model-signing imports OpenSSL without declaring it",
    "sqlalchemy": "prefect's server: its scheduler fails on 2.1, and pip does not see it",
    "tldextract": "presidio's recogniser of e-mail addresses, with the suffix list that it brings",
}


def test_no_dependency_is_declared_and_unused():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", line)[0].lower() for line in declared}
    assert set(NEEDED_BY_OTHERS) < names
    provided = packages_distributions()
    used = {name.split(".")[0] for path in FILES for name in imported(path)}
    imports = {one.lower().replace("_", "-") for module in used for one in provided.get(module, ())}
    assert names - imports - set(NEEDED_BY_OTHERS) == set()


@pytest.mark.parametrize("stage", ["data", *STAGES])
def test_each_stage_has_a_config_and_a_face(stage: str):
    folder = ROOT / "components" / stage
    assert (folder / "stage.py").is_file()
    tree = ast.parse((folder / "stage.py").read_text())
    assert any(isinstance(node, ast.ClassDef) and node.name == "Config" for node in tree.body)
    assert "__all__" in (folder / "__init__.py").read_text()


def test_a_card_is_read_then_verified_or_rendered_then_written():
    """Rendering knows nothing of verification, neither writes, and what reads a record renders nothing."""
    here, prefix = ROOT / "components" / "cards", "components.cards."
    files = [path for path in FILES if here in path.parents and path.name != "__init__.py"]
    cards = {
        path: {name.removeprefix(prefix).split(".")[0] for name in imported(path) if name.startswith(prefix)}
        for path in files
    }
    for path, others in cards.items():
        assert "write" not in others, f"{path}: a card is written last"
        assert "verification" not in others or path.parent.name == "verification", f"{path}: is not entered by verification"
    assert {"record", "render"} <= set().union(*cards.values())
    assert not cards[here / "record.py"] & {"render", "verification"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_importing_a_component_loads_nothing_heavy(component: str):
    probe = f"import sys, components.{component}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_code_crosses_a_boundary_and_nothing_is_swallowed(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            assert not (len(node.body) == 1 and isinstance(node.body[0], ast.Pass)), f"{path}:{node.lineno}: swallowed"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert not {"pickle", "joblib", "dill", "cloudpickle"} & set(names), f"{path}:{node.lineno}: no pickle"


def test_types_are_named_all_but_everywhere():
    """`Any` switches the checker off, so it stands where JSON or an untyped library enters, and hardly anywhere else."""
    lines = [line for path in FILES for line in path.read_text().splitlines() if re.search(r"\bAny\b", line)]
    assert len([line for line in lines if "import" not in line]) <= 60


def test_every_module_says_what_it_is():
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in FILES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_file_in_git_is_larger_than_a_reviewer_opens() -> None:
    """Hosts cut files from about 256 KB on: a card's record that grew beyond was missing from a checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    assert [(path.name, size) for path in files if path.is_file() and (size := path.lstat().st_size) > 250_000] == []
