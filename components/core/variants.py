"""What every listed folder asks of its files: that the word is one of theirs, and that the file can run here."""

import os
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from .errors import BadInput, MachineFault, MissingPackage


def known(name: str | None, names: Iterable[str], key: str, owner: str = "candidate") -> None:
    """Raise BadInput, with the words that are allowed, for a word in `owner` that names no file of the folder."""
    if name is None or name not in names:
        raise BadInput(f"{owner}: {key} '{name}' is not known; allowed: {', '.join(names)}")


def require(module: ModuleType, defines: Iterable[str], needed_for: str) -> None:
    """Check that a variant defines what its folder asks for (`Class.method` for a method), that the distributions in its
    `PACKAGES` are installed, and that the variables in its `ENVIRONMENT` are set.

    Raises AssertionError, MissingPackage and MachineFault, in this order.
    """
    lacking = [name for name in defines if not _has(module, name)]
    folder = (module.__package__ or "").replace(".", "/")
    assert not lacking, f"{module.__name__} does not define {', '.join(lacking)} (see {folder}/__init__.py)"
    for package in module.PACKAGES:
        try:
            version(package)
        except PackageNotFoundError as error:
            raise MissingPackage(package, needed_for) from error
    for variable in getattr(module, "ENVIRONMENT", ()):
        if not os.environ.get(variable):
            raise MachineFault(f"{needed_for} needs the environment variable {variable}, which is not set")


def _has(value: object, name: str) -> bool:
    for part in name.split("."):
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True
