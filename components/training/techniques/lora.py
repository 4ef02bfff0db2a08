"""LoRA (Hu et al. 2021): a low-rank product beside each linear layer."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from pydantic import Field

from components.core import BadInput, Frozen

from .. import peft_folder
from ..peft_folder import live

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

__all__ = ["LEARNING_RATE", "MERGEABLE", "PACKAGES", "PRODUCT", "WHOLE", "Settings", "live", "load", "save", "wrap"]

LEARNING_RATE = 6e-4
WHOLE, PRODUCT, MERGEABLE = False, "adapter", True
PACKAGES = ("peft",)


class Settings(Frozen):
    """LoRA's own settings."""

    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    """Its scale is alpha / rank."""
    modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    """Linear layers that get an adapter."""


class Content(TypedDict):
    """PEFT's configuration of an adapter on some layers of the whole model."""

    peft_type: str
    bias: str
    r: int
    lora_alpha: int
    lora_dropout: float
    fan_in_fan_out: bool
    target_modules: list[str]
    layers_to_transform: list[int]
    layers_pattern: str
    use_dora: NotRequired[bool]
    use_rslora: NotRequired[bool]


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PeftModel":
    """`model` wrapped by PEFT with fresh LoRA weights in the model's own dtype, computing as `merged_lora` says.

    Raises BadInput when the model has none of `modules`.
    """
    from ..merged_lora import merge_in_forward

    wrapped = adapted(model, settings, seed)
    merge_in_forward(wrapped)
    return wrapped


def adapted(model: "PreTrainedModel", settings: Settings, seed: int, **kind: Any) -> "PeftModel":
    """`wrap` with PEFT's own forward, for LoRA's kin; kind: what makes it of PEFT's LoraConfig (use_dora, …)."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, lora_dropout=0.0, target_modules=list(settings.modules), bias="none",
        task_type="CAUSAL_LM", **kind,
    )  # fmt: skip
    try:
        return get_peft_model(model, config, autocast_adapter_dtype=False)
    except ValueError as error:
        raise BadInput(f"section 'tuning', key 'modules': {', '.join(settings.modules)}: {error}") from error


def save(model: "PeftModel", base: Path, folder: Path, layers: int) -> None:
    """Write the adapter as PEFT reads it for the whole model."""
    peft_folder.save(model, folder, layers, content(model, layers))


def content(model: "PeftModel", layers: int) -> Content:
    """The configuration of the adapter on `model`, the top of a model of `layers` layers."""
    config: Any = model.peft_config["default"]  # PEFT types it as the base class of its configurations
    written: Content = {
        "peft_type": "LORA",
        "bias": "none",
        "r": config.r,
        "lora_alpha": config.lora_alpha,
        "lora_dropout": 0.0,
        "fan_in_fan_out": False,
        "target_modules": sorted(config.target_modules),
        "layers_to_transform": list(range(layers - peft_folder.layers_of(model), layers)),
        "layers_pattern": "layers",
    }
    if config.use_dora:
        written["use_dora"] = True
    if config.use_rslora:
        written["use_rslora"] = True
    return written


def load(model: "PreTrainedModel", folder: Path, seed: int) -> "PeftModel":
    """`wrap`, with the adapter in `folder`."""
    return restored(wrap, model, folder, seed)


def restored(
    wrap: Callable[["PreTrainedModel", Settings, int], "PeftModel"], model: "PreTrainedModel", folder: Path, seed: int
) -> "PeftModel":
    """`model` wrapped by a technique's `wrap`, with the adapter in `folder`."""
    saved: Content = peft_folder.config(folder)
    modules = tuple(sorted(saved["target_modules"]))
    wrapped = wrap(model, Settings(rank=saved["r"], alpha=saved["lora_alpha"], modules=modules), seed)
    peft_folder.restore(wrapped, folder)
    return wrapped
