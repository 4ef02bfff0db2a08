"""Forms in which the model of a release goes to other programs, one file each, found by listing this folder. A file defines

    PACKAGES                            distributions that it needs; a missing one is answered with its install line
    write(given, folder) -> list[str]   the model into the empty `folder`; notes, what stays behind and what to do next

What goes is the model with what was tuned in it, as it was before anybody rounded it. Prompt, retriever, quotes and gates
are the application, which `ninefold serve` and `ninefold image` run: each form says what of them it could take along.
"""

import tempfile
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol

from components.application import merged, save_checkpoint
from components.application.weights import folders, self_contained
from components.core import BadInput, Candidate, Store
from components.core.variants import known, require
from components.training import TECHNIQUES

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
DEFINES = ("PACKAGES", "write")


@dataclass(frozen=True)
class Given:
    """What is exported. name: of the registered model. weights: how they are kept (bf16, f16, q8_0), for forms that ask."""

    name: str
    candidate: Candidate
    store: Store
    weights: str = "bf16"
    card: str = ""
    """The release's card; empty where there is none."""


class Form(Protocol):
    """A file of this folder."""

    PACKAGES: tuple[str, ...]

    def write(self, given: Given, folder: Path) -> list[str]: ...


def form(name: str) -> Form:
    """The file `name`; raises BadInput where there is none, MissingPackage where it cannot run here."""
    known(name, NAMES, "form", "export")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES, f"export as '{name}'")
    return module


def export(name: str, given: Given, folder: Path) -> list[str]:
    """Write `given` in the form `name` to `folder`, which must not be there yet; it appears when all of it is written.

    Returns notes. Raises BadInput where there is no model to export, or it has no such form.
    """
    way = form(name)
    if folder.exists():
        raise BadInput(f"{folder}: is there already; name a folder that is not")
    given, notes = _before_rounding(given)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        written = Path(scratch) / "written"
        written.mkdir()
        notes += way.write(given, written)
        written.rename(folder)
    return [*notes, *_left_behind(given.candidate)]


def _before_rounding(given: Given) -> tuple[Given, list[str]]:
    """What torch runs of it, and a note where that is not what was released. Raises BadInput where there is nothing."""
    one = given.candidate
    if one.model is None:
        raise BadInput(f"{given.name}: a plain baseline is released, which has no model; `ninefold image` packs it")
    if not one.model.object:
        raise BadInput(f"{given.name}: its model runs behind {one.runtime.url}, so that its weights are not here")
    notes, step = [], one.model.derived_from
    rounded = step and step.technique not in TECHNIQUES  # a head of labels is no rounding: what it was made from has none
    if one.runtime.engine != "transformers" and rounded and step and step.checkpoint and step.runtime:
        before = {"model": step.checkpoint, "runtime": step.runtime, "adapter": step.adapter}
        notes = [f"its weights as they were before {step.technique}: the released form was measured, this one beside it"]
        one = one.model_copy(update=before)
    if one.runtime.engine != "transformers":
        raise BadInput(f"{given.name}: it runs on engine '{one.runtime.engine}', and what decodes text alone is exported")
    if reason := self_contained(one):
        raise BadInput(f"{given.name}: {reason}, so that it is not exported; `ninefold serve` and `ninefold image` run it")
    return replace(given, candidate=one), notes


def checkpoint_of(given: Given, folder: Path) -> Path:
    """The checkpoint with what was tuned merged in, as bfloat16 safetensors with its tokenizer, in `folder`, made anew."""
    base, adapter = folders(given.candidate, given.store)
    one = merged(base, adapter, given.candidate.runtime.dtype)
    return save_checkpoint(one.model.bfloat16(), base, folder, one.tokenizer)


def _left_behind(candidate: Candidate) -> list[str]:
    prompt = candidate.prompt
    left = [
        *(["its retriever, so that whoever asks it puts the passage into the prompt"] if candidate.retriever else []),
        *(["that answers are words of the passage"] if candidate.quoted else []),
        *(["the choice among its labels"] if candidate.labels else []),
        *(["the marks around what is asked, which no text can close"] if prompt and prompt.delimited else []),
        *(["that it is asked once more for an answer that is not as it should be"] if prompt and prompt.refinements else []),
        *([f"how it reads long texts ({candidate.reading.way})"] if candidate.reading else []),
    ]
    return [f"not in it: {'; '.join(left)}"] if left else []
