"""Virtual tokens before the input, as PEFT trains and keeps them; the model's own weights stay as they are.

In the file are the virtual tokens themselves: what made them while they were trained (an encoder) is thrown away, so that
training that goes on from a file moves them directly. Equal weights give equal bytes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from . import peft_folder

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel


class Content(TypedDict):
    """PEFT's configuration of virtual tokens. For keys and values, heads and size are those of the keys."""

    peft_type: str
    num_virtual_tokens: int
    token_dim: int
    num_layers: int
    num_attention_heads: int
    num_transformer_submodules: int


def wrap(model: "PreTrainedModel", config: "PeftConfig", seed: int) -> "PeftModel":
    """`model`, frozen, wrapped by PEFT with fresh virtual tokens in float32, which it rounds to the model's dtype."""
    import torch
    from peft import get_peft_model

    torch.manual_seed(seed)
    return get_peft_model(model, config, autocast_adapter_dtype=False)


def save(model: "PeftModel", base: Path, folder: Path, layers: int) -> None:
    """Write the virtual tokens as PEFT reads them."""
    config: Any = model.peft_config["default"]  # PEFT types it as the base class of its configurations
    content: Content = {
        # what an encoder leaves is a soft prompt like any other
        "peft_type": "PREFIX_TUNING" if config.peft_type == "PREFIX_TUNING" else "PROMPT_TUNING",
        "num_virtual_tokens": config.num_virtual_tokens,
        "token_dim": config.token_dim,
        "num_layers": config.num_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_transformer_submodules": 1,
    }
    peft_folder.write(folder, {"prompt_embeddings": model.get_prompt_embedding_to_save("default")}, content)


def load(model: "PreTrainedModel", folder: Path, seed: int) -> "PeftModel":
    """`model`, frozen, with the virtual tokens in `folder`, to be trained further."""
    from peft import get_peft_config, set_peft_model_state_dict
    from safetensors.torch import load_file

    # PEFT's own loader refuses to train them further
    wrapped = wrap(model, get_peft_config({**peft_folder.config(folder), "inference_mode": False}), seed)
    set_peft_model_state_dict(wrapped, load_file(folder / peft_folder.WEIGHTS))
    return wrapped
