"""What a model is trained towards, one file each, found by listing this folder. A file defines

    Settings                                    its own keys (a frozen model; each default once)
    train(recipe, own, base, rows, scratch, machine, start=None) -> Trained
        own: its Settings. base: folder of the checkpoint. rows: what it learns from (each file says its form).
        start: an adapter of the recipe's technique to go on from. Saved in `scratch/trained`; a killed call goes on.

The files import torch and trl, so they are imported when something is trained.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from components.core import BadInput

OBJECTIVES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))


def objective(name: str) -> ModuleType:
    """The file `name`; raises BadInput where there is none."""
    if name not in OBJECTIVES:
        raise BadInput(f"training objective '{name}' is not known; allowed: {', '.join(OBJECTIVES)}")
    return import_module(f".{name}", __package__)
