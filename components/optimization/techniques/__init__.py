"""Ways to make a Candidate smaller or faster, one file each, found by listing this folder. A file defines

    Settings                                       its own keys, beside `variants` under the technique's name
    BITS                                           of a weight: variants are tried from the most precise to the least
    PACKAGES                                       distributions that it needs beside those of the product
    build(candidate, own, given, step) -> Candidate    own: its Settings; given: what it may read (`Given`)

It is built on training rows at most; validation decides (stage.py).
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from components.core import BadInput, Candidate, Dataset, Frozen, Step, Task
from components.core.variants import known, require

TECHNIQUES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("Settings", "BITS", "PACKAGES", "build")


class Given(NamedTuple):
    """What a technique may read: the task, and the training rows of the dataset."""

    task: Task
    dataset: Dataset


class Technique(Protocol):
    """A file of this folder."""

    Settings: type[Frozen]
    BITS: int

    def build(self, candidate: Candidate, own: Frozen, given: Given, step: Step) -> Candidate: ...


def technique(name: str) -> Technique:
    """The file `name`; raises BadInput where there is none, MissingPackage where it cannot run here."""
    known(name, TECHNIQUES, "technique", "optimization")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, "stage optimization")
    return module


def settings(name: str, given: Mapping[str, object]) -> Frozen:
    """`given` as the technique's Settings; raises BadInput with the key and what is allowed."""
    kind = technique(name).Settings
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        key = ".".join(map(str, (name, *wrong["loc"])))
        allowed = ", ".join(sorted(kind.model_fields)) or "none"
        raise BadInput(f"key '{key}': {wrong['msg']}; settings of '{name}': {allowed}") from error
