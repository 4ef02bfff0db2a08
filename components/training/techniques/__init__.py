"""Ways to change a model, one file each, found by listing this folder. A file defines

    Settings             its own keys of the sections that train (a frozen model; each default once)
    LEARNING_RATE        its usual rate, where a recipe gives none
    WHOLE                True: it works on the whole model, its input too, so that no layer runs ahead of time
    PRODUCT              "adapter": weights beside the model; "weights": the model itself, changed
    MERGEABLE            whether what it learned can become part of a checkpoint (`application.weights`)
    wrap(model, settings, seed) -> model        with its trainable weights, and only those, requiring gradients
    live(model) -> {name: parameter}            those weights; a preference objective's reference copies are none of them
    save(model, base, folder, layers) -> None   into the empty `folder`, for the whole model of `layers` layers at `base`;
                                                equal weights give equal bytes
    load(model, folder, seed) -> model          PRODUCT "adapter" alone: `wrap`, with the weights that `save` wrote
    PACKAGES             distributions that what it made needs where it is served
    LOSS_APART           only where it trains on rounded weights and is served on those that came: the most, in nats a token,
                         that the served form's loss was seen to differ from the trained one's

`model` is the causal language model, or its upper layers (`layers.split`) where WHOLE is False. torch and peft are imported
inside the functions, so that a contract can be checked without them.

A technique that is not trained in steps has PRODUCT "label head": a model that gives labels to texts (engine `classifier`).
Of the above it defines Settings, MERGEABLE and PACKAGES, and

    fit(recipe, base, texts, answers, names, several, folder, machine) -> Fitted
        texts, answers: of the training rows, an answer as numbers of `names`. several: an answer may be any number of them.
        base: folder of the checkpoint. folder: where the whole new checkpoint is written; equal rows give equal bytes.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pydantic import ValidationError

from components.core import BadInput, Frozen, Machine
from components.core.variants import known, require

from ..recipe import Recipe, Trained

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

TECHNIQUES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
STEPPED = ("Settings", "LEARNING_RATE", "WHOLE", "PRODUCT", "MERGEABLE", "PACKAGES", "wrap", "live", "save")
LABEL_HEAD = "label head"
DEFINES = {"adapter": (*STEPPED, "load"), LABEL_HEAD: ("Settings", "PRODUCT", "MERGEABLE", "PACKAGES", "fit")}


class Fitted(NamedTuple):
    """What `fit` gives: `trained` has no loss a step. penalty: the strength that was chosen, on `held_out` of the rows, at
    that mean loss a row there. cut: texts that lost their end."""

    trained: Trained
    penalty: float
    held_out: int
    loss: float | None
    cut: int

    @property
    def measured(self) -> dict[str, object]:
        """The figures that are sealed beside a step's result."""
        loss = None if self.loss is None else round(self.loss, 4)
        return {**self.trained.measured, "penalty": self.penalty, "held_out_rows": self.held_out, "held_out_loss": loss}


class Technique(Protocol):
    """A file of this folder."""

    Settings: type[Frozen]
    LEARNING_RATE: float
    WHOLE: bool
    PRODUCT: str
    MERGEABLE: bool
    PACKAGES: tuple[str, ...]

    def wrap(self, model: "PreTrainedModel", settings: Frozen, seed: int) -> "torch.nn.Module": ...
    def live(self, model: "torch.nn.Module") -> "dict[str, torch.nn.Parameter]": ...
    def save(self, model: "torch.nn.Module", base: Path, folder: Path, layers: int) -> None: ...
    def load(self, model: "PreTrainedModel", folder: Path, seed: int) -> "torch.nn.Module": ...
    def fit(
        self,
        recipe: Recipe,
        base: Path,
        texts: Sequence[str],
        answers: Sequence[Sequence[int]],
        names: Sequence[str],
        several: bool,
        folder: Path,
        machine: Machine,
    ) -> Fitted: ...


def technique(name: str) -> Technique:
    """The file `name`; raises BadInput where there is none."""
    known(name, TECHNIQUES, "technique", "tuning")
    module = import_module(f".{name}", __package__)
    require(module, DEFINES.get(getattr(module, "PRODUCT", ""), STEPPED), "training")
    return module


def settings(name: str, given: Mapping[str, object]) -> Frozen:
    """`given` as the technique's Settings; raises BadInput with the key and what is allowed."""
    kind = technique(name).Settings
    if unknown := sorted(given.keys() - kind.model_fields.keys()):
        raise BadInput(f"key '{unknown[0]}' is no setting of technique '{name}'; its own: {_listed(kind)}")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        key = ".".join(map(str, wrong["loc"]))
        raise BadInput(f"key '{key}' of technique '{name}': {wrong['msg']} (found {wrong['input']!r})") from error


def _listed(kind: type[Frozen]) -> str:
    return ", ".join(sorted(kind.model_fields)) or "none"
