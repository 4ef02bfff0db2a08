"""Bottleneck adapters (Houlsby et al. 2019): down to a few units, a nonlinearity and up again, beside each layer's output.

One a layer, after its feed-forward part, as Pfeiffer et al. place it (arXiv:1902.00751 and arXiv:2005.00247).
Our own code (application/bottleneck.py says why). A nonlinearity cannot be merged into weights, so that only engine
'transformers' runs what it trains.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from components.core import Frozen

from .. import peft_folder

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

LEARNING_RATE = 1e-3
WHOLE, PRODUCT, MERGEABLE = False, "adapter", False
PACKAGES = ()


class Settings(Frozen):
    """Its own settings."""

    width: int = Field(64, ge=1)
    """Units between down and up."""


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PreTrainedModel":
    """`model`, frozen, with fresh adapters that change nothing yet, in its own dtype.

    Raises BadInput where its layers have no part named `mlp`.
    """
    import torch

    from components.application.bottleneck import attach

    torch.manual_seed(seed)
    model.requires_grad_(False)
    attach(model, range(peft_folder.layers_of(model)), settings.width)
    return model


def live(model: "torch.nn.Module") -> "dict[str, torch.nn.Parameter]":
    """The adapters' weights."""
    from components.application.bottleneck import attached

    return attached(model)


def save(model: "PreTrainedModel", base: Path, folder: Path, layers: int) -> None:
    """Write the adapters, named as in the whole model."""
    from components.application.bottleneck import TYPE

    width = next(one.shape[0] for name, one in live(model).items() if name.endswith("down.weight"))
    peft_folder.save(model, folder, layers, {"peft_type": TYPE, "width": width}, _named(model))


def load(model: "PreTrainedModel", folder: Path, seed: int) -> "PreTrainedModel":
    """`wrap`, with the adapters in `folder`."""
    wrapped = wrap(model, Settings(width=peft_folder.config(folder)["width"]), seed)
    peft_folder.restore(wrapped, folder, _named(wrapped))
    return wrapped


def _named(model: "torch.nn.Module") -> "dict[str, torch.nn.Parameter]":
    """The adapters' weights, named as PEFT names those of its own."""
    return {f"base_model.model.{name}": one for name, one in live(model).items()}
