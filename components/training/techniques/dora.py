"""DoRA (Liu et al. 2024, arXiv:2402.09353): LoRA for the direction of each row of weights, and a learned length for each."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..peft_folder import live
from . import lora
from .lora import adapted, restored, save

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

    from ..merged_lora import Layer

    class _Length(Protocol):
        weight: torch.Tensor

    class _DoraLayer(Layer, Protocol):
        """What is used of PEFT's DoRA layer."""

        lora_magnitude_vector: Mapping[str, _Length]


__all__ = ["LEARNING_RATE", "MERGEABLE", "PACKAGES", "PRODUCT", "WHOLE", "Settings", "live", "load", "save", "wrap"]

LEARNING_RATE = 6e-4
WHOLE, PRODUCT, MERGEABLE = False, "adapter", True
PACKAGES = ("peft",)


class Settings(lora.Settings):
    """LoRA's settings."""


def wrap(model: "PreTrainedModel", settings: lora.Settings, seed: int) -> "PeftModel":
    """`model` wrapped by PEFT with fresh weights and the lengths that the rows have. Raises BadInput as LoRA's."""
    from ..merged_lora import merge_in_forward

    wrapped = adapted(model, settings, seed, use_dora=True)
    merge_in_forward(wrapped, _forward)
    return wrapped


def load(model: "PreTrainedModel", folder: Path, seed: int) -> "PeftModel":
    """`wrap`, with the adapter in `folder`."""
    return restored(wrap, model, folder, seed)


def _forward(layer: "_DoraLayer", x: "torch.Tensor") -> "torch.Tensor":
    """m·x·(W + s·B·A)ᵀ / ‖W + s·B·A‖, the norm of each row (one output) taken as a constant (section 4.3 of the paper)."""
    import torch

    from ..merged_lora import biased, halves, product

    adapter = layer.active_adapters[0]
    a, b = halves(layer)
    with torch.no_grad():
        norms = torch.addmm(layer.base_layer.weight, b, a, alpha=layer.scaling[adapter]).norm(dim=1)
    lengths = layer.lora_magnitude_vector[adapter].weight.to(norms.dtype)
    return biased(layer, product(layer, x, a, b) * (lengths / norms))
