"""Prompt tuning (Lester et al. 2021, arXiv:2104.08691): the embeddings of a few virtual tokens before the input."""

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
WHOLE, PRODUCT, MERGEABLE = True, "adapter", True
PACKAGES = ("peft",)


class Settings(Frozen):
    """Prompt tuning's own settings."""

    tokens: int = Field(20, ge=1, le=1024)
    """Virtual tokens."""
    text: str = ""
    """They start as the embeddings of this text, repeated or cut to so many tokens; empty: of tokens drawn by `seed`."""


def wrap(model: "PreTrainedModel", settings: Settings, seed: int) -> "PeftModel":
    """`model`, frozen, with virtual tokens that start as `settings` say."""
    from peft import PromptTuningConfig

    config = PromptTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=settings.tokens,
        prompt_tuning_init="TEXT" if settings.text else "SAMPLE_VOCAB",
        prompt_tuning_init_text=settings.text or None,
        tokenizer_name_or_path=model.name_or_path if settings.text else None,
        tokenizer_kwargs={"local_files_only": True} if settings.text else None,
    )
    return soft_prompt.wrap(model, config, seed)
