"""The code a step can reach, as a digest: the import closure inside this project, without docstrings and comments.

Editing a comment costs nothing; editing a metric re-measures. `from package import name` is followed to the module that
defines `name`, so a change in one core module does not touch steps that never import it. A module that calls
`import_module` reaches every file below its own folder.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("components", "flows")


def code_digest(*modules: str) -> str:
    """SHA-256 over the parsed source of `modules` (dotted names) and of all that they import inside the project."""
    return hashlib.sha256("".join(_stripped(path) for path in sorted(reached_files(*modules))).encode()).hexdigest()


@cache
def pins() -> str:
    """Digest of the pinned versions of the libraries."""
    return hashlib.sha256((ROOT / "constraints.txt").read_bytes()).hexdigest()


def reached_files(*modules: str) -> set[Path]:
    """The project files in the import closure of `modules`."""
    reached: set[Path] = set()
    todo = [_file(module) for module in modules]
    while todo:
        path = todo.pop()
        if path is not None and path not in reached:
            reached.add(path)
            todo += _imports(path)
    return reached


@cache
def _imports(path: Path) -> list[Path]:
    tree = ast.parse(path.read_text())
    package = path.parent.relative_to(ROOT).parts
    found: list[Path | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [_file(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *(node.module or "").split(".")]).strip(".")
            base = base if node.level else (node.module or "")
            found += [_defining(base, alias.name) for alias in node.names]
        elif isinstance(node, (ast.Name, ast.Attribute)) and _is_dynamic(node):
            found += sorted(path.parent.rglob("*.py"))
    return [file for file in found if file]


def _is_dynamic(node: ast.Name | ast.Attribute) -> bool:
    return (node.id if isinstance(node, ast.Name) else node.attr) == "import_module"


@cache
def _defining(module: str, name: str) -> Path | None:
    """The file that `from module import name` gets its name from."""
    submodule = _file(f"{module}.{name}")
    if submodule:
        return submodule
    path = _file(module)
    if path is None or path.name != "__init__.py":
        return path
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _defining(f"{module}.{node.module}" if node.module else module, alias.name)
    return path


@cache
def _file(module: str) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    path = ROOT.joinpath(*module.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    init = path / "__init__.py"
    return init if init.is_file() else None


@cache
def _stripped(path: Path) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [item for item in node.body if not _is_text(item)]
    return f"{path.relative_to(ROOT).as_posix()}\n{ast.dump(tree)}\n"


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
