"""What an adapter learned, put into the weights of its model: the one place where anybody merges.

Factors and products are added to the weights (PEFT does it), a soft prompt becomes rows of the vocabulary (soft_tokens.py).
Keys and values that come before the prompt (prefix tuning) and layers with a nonlinearity (bottleneck.py) fit in no weight:
they stay beside the model, for the one engine that takes them, and whoever needs a checkpoint is refused.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from components.core import BadInput, Candidate, Context, MachineFault, Store
from components.core.artifacts import opened
from components.core.store import MANIFEST

from .soft_tokens import add_soft_tokens

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


BOTTLENECK = "BOTTLENECK"
"""`peft_type` of adapters that PEFT does not know: bottleneck.py."""


class Adapted(NamedTuple):
    """A causal language model with what its adapter learned."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase | None" = None
    """None: the one of the checkpoint that it was made from."""
    beside: str = ""
    """What stays beside the weights, for the one engine that runs it; empty where all is in them."""
    states: "tuple[tuple[torch.Tensor, torch.Tensor], ...]" = ()
    """Keys and values of each layer, [1, heads, tokens, size], that come before every prompt."""


def adapted(base: Path, adapter: Path | None, dtype: str, context: Context | None = None) -> Adapted:
    """The causal language model in the checkpoint folder `base`, in `dtype`, with the PEFT adapter in the folder `adapter`.
    Raises BadInput where the adapter is none, or cannot be served with this model.

    context: how its positions are scaled (`Runtime.context`)
    """
    import torch
    from transformers import AutoModelForCausalLM

    from .context import read_config

    if adapter and not (adapter / "adapter_model.safetensors").is_file():
        raise BadInput("candidate: the adapter's object has no adapter_model.safetensors")
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        base,
        config=read_config(base, context),
        dtype=getattr(torch, dtype),
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )
    if adapter is None:
        return Adapted(model)
    if _type(adapter) == BOTTLENECK:
        from .bottleneck import attach_saved

        attach_saved(model, adapter)
        return Adapted(model, beside="small layers with a nonlinearity (bottleneck)")
    from peft import PeftModel

    wrapped = PeftModel.from_pretrained(model, adapter)
    if wrapped.peft_type == "PREFIX_TUNING":
        return Adapted(model, states=_states(wrapped), beside="keys and values before the prompt (prefix)")
    if wrapped.peft_type in ("PROMPT_TUNING", "P_TUNING"):
        return _with_soft_tokens(model, base, wrapped)
    if not hasattr(wrapped.base_model, "merge_and_unload"):
        raise BadInput(f"candidate: an adapter of PEFT's type {wrapped.peft_type} cannot be served")
    return Adapted(wrapped.merge_and_unload())


def self_contained(candidate: Candidate) -> str:
    """Why a checkpoint alone would read otherwise than `candidate` does, for whoever hands one on; empty where it reads the
    same."""
    context = candidate.runtime.context
    if context is None or not (context.rope or context.window):
        return ""
    return "its runtime.context changes positions or attention, which a checkpoint alone does not tell other programs"


def merged(base: Path, adapter: Path | None, dtype: str) -> Adapted:
    """The same, all of it in the weights. Raises BadInput where the adapter cannot become part of them, too."""
    one = adapted(base, adapter, dtype)
    if one.beside:
        raise BadInput(
            f"candidate: its adapter is {one.beside}, which cannot be merged into the weights of a checkpoint; run it on "
            "engine 'transformers', or tune by a technique that can, such as lora or prompt"
        )
    return one


def save_checkpoint(
    model: "PreTrainedModel", base: Path, target: Path, tokenizer: "PreTrainedTokenizerBase | None" = None
) -> Path:
    """Write `model` to the folder `target`, made anew, with the configuration and tokenizer of `base`; returns `target`.

    tokenizer: what stands in the place of the base's own
    """
    shutil.rmtree(target, ignore_errors=True)  # what a killed run half wrote
    target.mkdir(parents=True)
    model.save_pretrained(target)
    written = {MANIFEST, "model.safetensors.index.json"}
    if tokenizer:
        tokenizer.save_pretrained(target)
        written |= {"added_tokens.json", *tokenizer.vocab_files_names.values()}
    written |= {path.name for path in target.iterdir()}
    for path in base.iterdir():
        if path.suffix != ".safetensors" and path.name not in written:
            shutil.copyfile(path, target / path.name)
    return target


def weights(candidate: Candidate, store: Store, target: Path, dtype: str) -> Path:
    """A checkpoint folder with the weights of `candidate`: its model's own where it has no adapter, else merged in `dtype`
    and written to `target`. Raises MachineFault where the weights are not here, BadInput as `merged`."""
    base, adapter = folders(candidate, store)
    if adapter is None:
        return base
    one = merged(base, adapter, dtype)
    return save_checkpoint(one.model, base, target, one.tokenizer)


def folders(candidate: Candidate, store: Store) -> tuple[Path, Path | None]:
    """Where the checkpoint and the adapter (None: it has none) of `candidate` lie. Raises MachineFault where the weights are
    not here."""
    if candidate.model is None or not candidate.model.object:
        raise MachineFault("the weights of this candidate are not here: a server has them, or it has no model")
    adapter = opened(store, candidate.adapter.object, "adapter") if candidate.adapter else None
    return opened(store, candidate.model.object), adapter


def _with_soft_tokens(model: "PreTrainedModel", base: Path, wrapped: "PeftModel") -> Adapted:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    add_soft_tokens(model, tokenizer, wrapped.get_prompt(1)[0].detach())
    return Adapted(model, tokenizer)


def _states(wrapped: "PeftModel") -> "tuple[tuple[torch.Tensor, torch.Tensor], ...]":
    cache: Any = wrapped.get_prompt(1)  # PEFT types it as the tensor that it is for other techniques
    return tuple((layer.keys.detach(), layer.values.detach()) for layer in cache.layers)


def _type(adapter: Path) -> str:
    """The kind of the adapter in that folder, in PEFT's words."""
    return str(json.loads((adapter / "adapter_config.json").read_text())["peft_type"])
