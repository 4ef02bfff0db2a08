"""QLoRA (Dettmers et al. 2023, arXiv:2305.14314): LoRA beside weights of 4 bits while they are trained, by bitsandbytes.

The linear weights of the trained layers are NF4, their scales quantised too: a quarter of bfloat16's memory, on a GPU or a
CPU. The layers below run once and keep their dtype, as do embeddings and head. The adapter is served merged into the weights
as they came, never into rounded ones, so that the served form differs from the trained one by the rounding of NF4; what is
measured is always the served form.

bitsandbytes asks the package `kernels`, where that is installed, for compiled code from a hub; it is no part of our pins.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from components.core import MissingPackage

from ..peft_folder import live
from . import lora
from .lora import adapted, restored, save

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

__all__ = ["LEARNING_RATE", "MERGEABLE", "PACKAGES", "PRODUCT", "WHOLE", "Settings", "live", "load", "save", "wrap"]

LEARNING_RATE = 6e-4
WHOLE, PRODUCT, MERGEABLE = False, "adapter", True
PACKAGES = ("peft",)
LOSS_APART = 0.2
"""Nats a token. Measured on SmolLM2-135M after 20 steps: 1.77 served and 1.62 as trained on its own rows, 1.62 and 1.57 on
other rows, where the untrained model has 4.75."""


class Settings(lora.Settings):
    """LoRA's settings."""

    @model_validator(mode="after")
    def _can_be_trained_here(self) -> Self:
        """Raises MissingPackage when the contract is read, not after the stages before; serving does not need it."""
        if find_spec("bitsandbytes") is None:
            raise MissingPackage("bitsandbytes", "technique 'qlora'")
        return self


def wrap(model: "PreTrainedModel", settings: lora.Settings, seed: int) -> "PeftModel":
    """`model` with its layers in 4 bits, wrapped by PEFT with fresh LoRA weights in the model's own dtype.

    Raises BadInput as LoRA's.
    """
    dtype = model.dtype
    _quantise(model)
    vars(model)["is_loaded_in_4bit"] = True  # PEFT asks for it; Transformers sets it where it loads the weights itself
    wrapped = adapted(model, settings, seed)
    del vars(model)["is_loaded_in_4bit"]  # TRL would train the adapter in bfloat16 whatever the dtype
    for weight in live(wrapped).values():
        weight.data = weight.data.to(dtype)
    return wrapped


def load(model: "PreTrainedModel", folder: Path, seed: int) -> "PeftModel":
    """`wrap`, with the adapter in `folder`."""
    return restored(wrap, model, folder, seed)


def _quantise(model: "PreTrainedModel") -> None:
    """Put the linear layers of the model's stack into 4 bits."""
    import torch

    for layer in model.model.layers:
        for name, linear in [*layer.named_modules()]:
            if isinstance(linear, torch.nn.Linear):
                layer.set_submodule(name, _in_four_bits(linear))


def _in_four_bits(linear: "torch.nn.Linear") -> "torch.nn.Module":
    from bitsandbytes.nn import Linear4bit, Params4bit

    weight = linear.weight
    layer = Linear4bit(
        linear.in_features, linear.out_features, linear.bias is not None, weight.dtype, quant_type="nf4", device="meta"
    )
    layer.weight = Params4bit(weight.data, requires_grad=False, quant_type="nf4", module=layer)
    layer.bias = linear.bias
    # on a CPU with avx512_bf16 a forward in eval mode would pack the weights for inference for good, and a packed layer
    # gives no gradient and no error
    layer.support_avx512bf16_for_cpu = False
    return layer.train(linear.training).to(weight.device)  # which quantises
