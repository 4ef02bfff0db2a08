"""Prefix tuning (Li & Liang 2021, arXiv:2101.00190): keys and values of every layer that come before the input.

They start as those of tokens drawn by the seed, since random numbers in their place undo what the model can do (the paper's
section 7.4). They are no part of any weight, so that they cannot be merged: only the transformers engine serves them.
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

LEARNING_RATE = 1e-2
WHOLE, PRODUCT, MERGEABLE = True, "adapter", False
PACKAGES = ("peft",)


class Settings(Frozen):
    """Prefix tuning's own settings."""

    tokens: int = Field(20, ge=1, le=1024)
    """Virtual tokens, each with a key and a value in every layer."""


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PeftModel":
    """`model`, frozen, with the keys and values of drawn tokens before its input."""
    import torch
    from peft import PrefixTuningConfig
    from peft.tuners.cartridge.utils import initialize_kv_prefix_from_past_key_values

    config = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=settings.tokens)
    wrapped = soft_prompt.wrap(model, config, seed)
    drawn = torch.randint(model.config.vocab_size, (1, settings.tokens), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        states = model(input_ids=drawn.to(model.device), use_cache=True).past_key_values
    initialize_kv_prefix_from_past_key_values(wrapped, past_key_values=states)
    return wrapped
