"""rsLoRA (Kalajdzievski 2023, arXiv:2312.03732): LoRA at a high rank, its scale alpha over the rank's root."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ..peft_folder import live
from . import lora
from .lora import adapted, restored, save

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

__all__ = ["LEARNING_RATE", "MERGEABLE", "PACKAGES", "PRODUCT", "WHOLE", "Settings", "live", "load", "save", "wrap"]

LEARNING_RATE = 4e-4
WHOLE, PRODUCT, MERGEABLE = False, "adapter", True
PACKAGES = ("peft",)


class Settings(lora.Settings):
    """LoRA's settings, at a higher rank."""

    rank: int = Field(64, ge=1)
    alpha: int = Field(16, ge=1)
    """Its scale is alpha / √rank."""


def wrap(model: "PreTrainedModel", settings: lora.Settings, seed: int) -> "PeftModel":
    """As LoRA's, with that scale."""
    from ..merged_lora import merge_in_forward

    wrapped = adapted(model, settings, seed, use_rslora=True)
    merge_in_forward(wrapped)
    return wrapped


def load(model: "PreTrainedModel", folder: Path, seed: int) -> "PeftModel":
    """`wrap`, with the adapter in `folder`."""
    return restored(wrap, model, folder, seed)
