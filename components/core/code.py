"""The code a step can reach, as a digest: the import closure inside this project, without docstrings and comments.

Editing a comment costs nothing; editing a metric re-measures. `from package import name` is followed to the module that
defines `name`, so a change in one core module does not touch steps that never import it.

A *listed folder* is a package whose `__init__` calls `import_module`: each file in it is a variant. Of these only the ones
that are named are reached: by a word of the step's inputs (contract, profile, Candidate), or by a string in the code reached
so far (a default, the metrics of a kind of task). So a new variant re-runs nobody's workspace. A variant is named by its
file's stem, or by what its `NAMES` or `SUFFIXES` hold. Any other module that calls `import_module` reaches every file below
its own folder.
"""

import ast
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .digest import canonical

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("components", "flows")
SHIPPED = ROOT / "components" / "shipped"
"""Where an installed wheel has what a checkout has beside its packages (setup.py)."""
ALSO_NAMED_BY = ("NAMES", "SUFFIXES")
"""Module-level names of a variant that hold other words for it than its file's stem."""


def code_digest(*modules: str, words: frozenset[str] = frozenset()) -> str:
    """SHA-256 over the parsed source of `modules` (dotted names) and of all that they reach inside the project.

    words: of the inputs (`words_of`); they name files of listed folders
    """
    reached = sorted(reached_files(*modules, words=words))
    return hashlib.sha256("".join(_source(path).stripped for path in reached).encode()).hexdigest()


def words_of(*values: object) -> frozenset[str]:
    """Every word in the canonical JSON of `values` that may name a variant: whole texts, their words, and the endings of
    file names."""
    texts = set(re.findall(r'"((?:[^"\\]|\\.)*)"', canonical(values)))
    return frozenset(texts | {word for text in texts for form in (r"\w+", r"\.\w+") for word in re.findall(form, text)})


def shipped(name: str) -> Path:
    """The file or folder `name` (constraints.txt, infra) that comes with the packages, in a checkout or an installation."""
    return SHIPPED / name if SHIPPED.is_dir() else ROOT / name


@cache
def pins() -> str:
    """Digest of the pinned versions of the libraries."""
    return hashlib.sha256(shipped("constraints.txt").read_bytes()).hexdigest()


def reached_files(*modules: str, words: frozenset[str] = frozenset(), packages: bool = False) -> set[Path]:
    """The project files in the import closure of `modules`, with the named files of listed folders.

    packages: with the `__init__` of every package on the way and what that imports: what must be there to run them
    """
    reached: set[Path] = set()
    todo = [path for module in modules if (path := _file(module))]
    known = set(words)
    while todo:
        while todo:
            path = todo.pop()
            if path not in reached:
                reached.add(path)
                known |= _source(path).texts
                todo += _imports(path) + (_packages(path) if packages else [])
        variants = {variant for path in reached if _is_listed(path) for variant in _variants(path.parent)}
        todo = [path for path in variants - reached if not known.isdisjoint(_named(path))]
    return reached


def _packages(path: Path) -> list[Path]:
    return [init for folder in path.relative_to(ROOT).parents[:-1] if (init := ROOT / folder / "__init__.py").is_file()]


def _is_listed(path: Path) -> bool:
    return path.name == "__init__.py" and _source(path).dynamic


def _variants(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("*.py") if path.name != "__init__.py")


@dataclass(frozen=True)
class Source:
    """What is asked of a file, of one parse of it."""

    imports: tuple[tuple[int, str, tuple[str, ...]], ...]
    """(dots, module, names) of each `from module import names`, in order; for `import module` there are no names."""
    passes_on: dict[str, str]
    """Of names that it takes from modules beside it, at its top: name → "module.name", or "name" of the package itself."""
    texts: frozenset[str]
    """Every text that stands in the code, docstrings left out."""
    own_words: frozenset[str]
    """Texts behind `ALSO_NAMED_BY`."""
    dynamic: bool
    """Whether it imports by name."""
    stripped: str
    """Its code without docstrings and comments."""


@cache
def _source(path: Path) -> Source:
    tree = ast.parse(path.read_text())
    imports: list[tuple[int, str, tuple[str, ...]]] = []
    texts, silent, dynamic = list[ast.Constant](), set[int](), False
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                texts.append(node)
        elif isinstance(node, ast.Name | ast.Attribute):
            dynamic = dynamic or (node.id if isinstance(node, ast.Name) else node.attr) == "import_module"
        elif isinstance(node, ast.Import):
            imports += [(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append((node.level, node.module or "", tuple(alias.name for alias in node.names)))
        elif isinstance(node, ast.Expr) and _is_text(node):
            silent.add(id(node.value))
    passes_on, own_words = _at_its_top(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [item for item in node.body if not _is_text(item)]
    return Source(
        imports=tuple(imports),
        passes_on=passes_on,
        texts=frozenset(str(one.value) for one in texts if id(one) not in silent),
        own_words=own_words,
        dynamic=dynamic,
        stripped=f"{path.relative_to(ROOT).as_posix()}\n{ast.dump(tree)}\n",
    )


def _at_its_top(tree: ast.Module) -> tuple[dict[str, str], frozenset[str]]:
    """(names that it passes on, words that name it)"""
    passes_on: dict[str, str] = {}
    words = set[str]()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                passes_on.setdefault(
                    alias.asname or alias.name, f"{node.module}.{alias.name}" if node.module else alias.name
                )
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id in ALSO_NAMED_BY for target in targets):
            words |= {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return passes_on, frozenset(words)


def _named(path: Path) -> frozenset[str]:
    """The words that name a variant."""
    return _source(path).own_words | {path.stem}


@cache
def _imports(path: Path) -> list[Path]:
    package, source = path.parent.relative_to(ROOT).parts, _source(path)
    files: list[Path | None] = []
    for dots, module, names in source.imports:
        if not names:
            files.append(_file(module))
            continue
        base = ".".join([*package[: len(package) - dots + 1], *module.split(".")]).strip(".") if dots else module
        files += [_defining(base, name) for name in names]
    if path.name != "__init__.py" and source.dynamic:
        files += sorted(path.parent.rglob("*.py"))
    return [file for file in files if file]


@cache
def _defining(module: str, name: str) -> Path | None:
    """The file that `from module import name` gets its name from."""
    submodule = _file(f"{module}.{name}")
    if submodule:
        return submodule
    path = _file(module)
    if path is None or path.name != "__init__.py" or name not in (passed := _source(path).passes_on):
        return path
    inside, _, there = passed[name].rpartition(".")
    return _defining(f"{module}.{inside}" if inside else module, there)


@cache
def _file(module: str) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    path = ROOT.joinpath(*module.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    init = path / "__init__.py"
    return init if init.is_file() else None


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
