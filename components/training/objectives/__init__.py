"""What a model is trained towards, one file each, found by listing this folder. A file defines

    Settings                                    its own keys (a frozen model; each default once)
    ROWS                                        "examples" (what is asked and its answer), "pairs" (with a worse one) or
                                                "documents" (token ids of whole texts, without an answer)
    train(recipe, own, base, rows, scratch, machine, start=None) -> Trained
        own: its Settings. base: folder of the checkpoint. rows: what it learns from (each file says its form).
        start: an adapter of the recipe's technique to go on from. Saved in `scratch/trained`; a killed call goes on.

The files import torch and trl, so they are imported when something is trained; those of documents import them in `train`, so
that a contract can be checked against their Settings.
"""

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

from components.core import BadInput


def _rows(path: Path) -> str:
    """What a file says of its rows, read without loading it."""
    found = (node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign))
    named = {target.id: node.value for node in found for target in node.targets if isinstance(target, ast.Name)}
    return str(ast.literal_eval(named["ROWS"])) if "ROWS" in named else ""


FILES = sorted(path for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
OBJECTIVES = tuple(path.stem for path in FILES)
PREFERENCES = tuple(path.stem for path in FILES if _rows(path) == "pairs")
"""Those that learn from preference pairs."""
DOCUMENTS = tuple(path.stem for path in FILES if _rows(path) == "documents")
"""Those that go on with pre-training."""


def objective(name: str) -> ModuleType:
    """The file `name`; raises BadInput where there is none."""
    if name not in OBJECTIVES:
        raise BadInput(f"training objective '{name}' is not known; allowed: {', '.join(OBJECTIVES)}")
    return import_module(f".{name}", __package__)
