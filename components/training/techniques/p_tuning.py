"""P-tuning (Liu et al. 2021, arXiv:2103.10385): virtual tokens that an encoder makes while it is trained with them.

The encoder is thrown away afterwards: what is saved, served and trained further are the embeddings that it made last.
"""

from typing import TYPE_CHECKING

from pydantic import Field

from components.core import Frozen

from .. import soft_prompt
from ..peft_folder import live
from ..soft_prompt import load, save

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

__all__ = ["LEARNING_RATE", "MERGEABLE", "PACKAGES", "PRODUCT", "WHOLE", "Settings", "live", "load", "save", "wrap"]

LEARNING_RATE = 1e-3
WHOLE, PRODUCT, MERGEABLE = True, "adapter", True
PACKAGES = ("peft",)


class Settings(Frozen):
    """P-tuning's own settings."""

    tokens: int = Field(20, ge=1, le=1024)
    """Virtual tokens."""
    width: int = Field(128, ge=1)
    """Units of the encoder's two hidden layers."""


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PeftModel":
    """`model`, frozen, with virtual tokens made by a fresh encoder."""
    from peft import PromptEncoderConfig

    config = PromptEncoderConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=settings.tokens, encoder_hidden_size=settings.width
    )
    return soft_prompt.wrap(model, config, seed)
