"""Full tuning: every weight of the model is trained, embeddings and head included; what comes out is another checkpoint.

It takes four times the memory of the weights in float32 (a copy, a gradient and two moments), so it is for small models.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from components.application import save_checkpoint
from components.core import Frozen

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

LEARNING_RATE = 5e-5
WHOLE, PRODUCT, MERGEABLE = True, "weights", True
PACKAGES = ()


class Settings(Frozen):
    """None of its own."""


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PreTrainedModel":
    """`model` with every weight requiring gradients."""
    model.requires_grad_(True)
    return model


def live(model: "torch.nn.Module") -> "dict[str, torch.nn.Parameter]":
    """Every weight, once where two layers share it."""
    return dict(model.named_parameters())


def save(model: "PreTrainedModel", base: Path, folder: Path, layers: int) -> None:
    """Write the whole checkpoint: the trained weights, and beside them the base's configuration and tokenizer."""
    save_checkpoint(model, base, folder)
