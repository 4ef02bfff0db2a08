"""PiSSA (Meng et al. 2024, arXiv:2404.02948): LoRA that starts from the largest singular parts of each weight.

The paper, and PEFT with it, takes those parts out of the weight: W becomes W − s·B₀·A₀, so that an adapter fits that changed
base alone. Here PEFT computes the start, W is put back as it was, and the layer computes W + s·(B·A − B₀·A₀): the same
function with the same gradients, which is saved as it runs, as a LoRA of twice the rank, [B, −B₀]·[A; A₀], right on the
unchanged base.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from .. import peft_folder
from ..peft_folder import live
from . import lora
from .lora import adapted, load

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

    from ..merged_lora import Layer

    class _Started(Layer, Protocol):
        """PEFT's LoRA layer with what its A and B were at the start."""

        start: tuple[torch.Tensor, torch.Tensor]


__all__ = ["LEARNING_RATE", "MERGEABLE", "PACKAGES", "PRODUCT", "WHOLE", "Settings", "live", "load", "save", "wrap"]

LEARNING_RATE = 6e-4
WHOLE, PRODUCT, MERGEABLE = False, "adapter", True
PACKAGES = ("peft",)
ITERATIONS = 16
"""Of the randomised singular value decomposition, which the seed fixes; the paper finds no difference to the whole one."""


class Settings(lora.Settings):
    """LoRA's settings."""

    alpha: int = Field(16, ge=1)
    """Its scale is alpha / rank."""


def wrap(model: "PreTrainedModel", settings: lora.Settings, seed: int) -> "PeftModel":
    """`model` wrapped by PEFT with weights that start as parts of its own. Raises BadInput as LoRA's."""
    import torch

    from ..merged_lora import halves, lora_layers, merge_in_forward

    unchanged = {module: module.weight.data for module in model.modules() if isinstance(module, torch.nn.Linear)}
    wrapped = adapted(model, settings, seed, init_lora_weights=f"pissa_niter_{ITERATIONS}")
    for layer in lora_layers(wrapped):
        layer.base_layer.weight.data = unchanged[layer.base_layer]
        layer.start = tuple(half.detach().clone() for half in halves(layer))
    merge_in_forward(wrapped, _forward)
    return wrapped


def save(model: "PeftModel", base: Path, folder: Path, layers: int) -> None:
    """Write the adapter as a LoRA of twice the rank and alpha, which has the same scale. One that `load` gave is a LoRA
    already."""
    import torch

    content, weights = lora.content(model, layers), dict[str, torch.Tensor](live(model))
    started = {name: layer.start for name, layer in model.named_modules() if hasattr(layer, "start")}
    for name, (a, b) in started.items():
        upper, lower = f"{name}.lora_A.default.weight", f"{name}.lora_B.default.weight"
        weights |= {upper: torch.cat([weights[upper], a]), lower: torch.cat([weights[lower], -b], 1)}
    times = 2 if started else 1
    content["r"], content["lora_alpha"] = times * content["r"], times * content["lora_alpha"]
    peft_folder.save(model, folder, layers, content, weights)


def _forward(layer: "_Started", x: "torch.Tensor") -> "torch.Tensor":
    import torch

    from ..merged_lora import biased, halves, product

    (a, b), (start_a, start_b) = halves(layer), layer.start
    return biased(layer, product(layer, x, torch.cat([a, start_a]), torch.cat([b, -start_b], 1)))
