"""Partial tuning: a part of the model's own weights is trained and nothing is added; what comes out is another checkpoint.

`layers` trains the top layers whole. `norms_and_biases` trains every weight there that is a vector, and the final norm:
biases (BitFit, Ben Zaken et al. 2022, arXiv:2106.10199) and norms (Zhao et al. 2023, arXiv:2312.11420). A Llama has no
biases, so that there it is the norms alone. Embeddings and head stay as they are.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.application import merged, save_checkpoint
from components.core import Frozen

from ..peft_folder import layers_of, renumbered

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

LEARNING_RATE = 1e-4
WHOLE, PRODUCT, MERGEABLE = False, "weights", True
PACKAGES = ()


class Settings(Frozen):
    """Which part."""

    parts: Literal["layers", "norms_and_biases"] = "layers"
    """What is trained of the top layers that `layers` counts: all of their weights, or their norms and biases."""


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PreTrainedModel":
    """`model` with that part of its weights requiring gradients."""
    for name, weight in model.named_parameters():
        trained = name.startswith("model.layers.") if settings.parts == "layers" else weight.ndim == 1
        weight.requires_grad_(trained)
    return model


def live(model: "torch.nn.Module") -> "dict[str, torch.nn.Parameter]":
    """The part that is trained."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def save(model: "PreTrainedModel", base: Path, folder: Path, layers: int) -> None:
    """Write the whole checkpoint: the base's, with the trained weights in their places."""
    import torch

    whole = merged(base, None, str(model.dtype).removeprefix("torch.")).model
    own = dict(whole.named_parameters())
    with torch.no_grad():
        for name, weight in live(model).items():
            own[renumbered(name, layers - layers_of(model))].copy_(weight)
    save_checkpoint(whole, base, folder)
