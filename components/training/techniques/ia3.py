"""(IA)³ (Liu et al. 2022, arXiv:2205.05638): one learned factor for each key, value and inner feed-forward unit."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from components.core import BadInput, Frozen

from .. import peft_folder
from ..peft_folder import live

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

__all__ = ["LEARNING_RATE", "MERGEABLE", "PACKAGES", "PRODUCT", "WHOLE", "Settings", "live", "load", "save", "wrap"]

LEARNING_RATE = 5e-3
WHOLE, PRODUCT, MERGEABLE = False, "adapter", True
PACKAGES = ("peft",)


class Settings(Frozen):
    """(IA)³'s own settings."""

    modules: tuple[str, ...] = ("k_proj", "v_proj", "down_proj")
    """Linear layers whose outputs are scaled."""
    inputs: tuple[str, ...] = ("down_proj",)
    """Of these, the ones whose inputs are scaled instead: the feed-forward part's last layer."""


class Content(TypedDict):
    """PEFT's configuration of factors: patterns of the layers' names."""

    peft_type: str
    fan_in_fan_out: bool
    target_modules: str
    feedforward_modules: str


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PeftModel":
    """`model` wrapped by PEFT with factors of 1 in the model's own dtype. Raises BadInput when it has none of `modules`."""
    import torch
    from peft import IA3Config, get_peft_model

    torch.manual_seed(seed)
    config = IA3Config(
        target_modules=list(settings.modules), feedforward_modules=list(settings.inputs), task_type="CAUSAL_LM"
    )
    try:
        return get_peft_model(model, config, autocast_adapter_dtype=False)
    except ValueError as error:
        raise BadInput(f"section 'tuning', key 'modules': {', '.join(settings.modules)}: {error}") from error


def save(model: "PeftModel", base: Path, folder: Path, layers: int) -> None:
    """Write the factors as PEFT reads them for the whole model. It has no list of layers for them: a pattern names them."""
    config: Any = model.peft_config["default"]  # PEFT types it as the base class of its configurations
    numbers = "|".join(map(str, range(layers - peft_folder.layers_of(model), layers)))

    def pattern(modules: set[str]) -> str:
        return rf"model\.layers\.({numbers})\..*\.({'|'.join(sorted(modules))})"

    content: Content = {
        "peft_type": "IA3",
        "fan_in_fan_out": False,
        "target_modules": pattern(config.target_modules),
        "feedforward_modules": pattern(config.feedforward_modules),
    }
    peft_folder.save(model, folder, layers, content)


def load(model: "PreTrainedModel", folder: Path, seed: int) -> "PeftModel":
    """`wrap`, with the factors in `folder`."""
    saved: Content = peft_folder.config(folder)
    own = Settings(modules=_listed(saved["target_modules"]), inputs=_listed(saved["feedforward_modules"]))
    wrapped = wrap(model, own, seed)
    peft_folder.restore(wrapped, folder)
    return wrapped


def _listed(pattern: str) -> tuple[str, ...]:
    """The modules that a pattern of `save` ends with."""
    return tuple(pattern.rpartition("(")[2].rstrip(")").split("|"))
