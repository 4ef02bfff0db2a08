"""The weights of a Candidate with its adapter merged in: the one place where anybody merges.

A technique whose adapter cannot be merged (soft prompts) has none, and says so when it is asked.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import BadInput, Candidate, MachineFault, Store
from components.core.artifacts import opened
from components.core.store import MANIFEST

if TYPE_CHECKING:
    from transformers import PreTrainedModel


BOTTLENECK = "BOTTLENECK"
"""`peft_type` of adapters that PEFT does not know: bottleneck.py."""
CANNOT_BE_MERGED = (
    "candidate: an adapter of this technique cannot be merged into the weights; run it on engine 'transformers', which "
    "needs no merged weights"
)


def served_model(base: Path, adapter: Path | None, dtype: str) -> "PreTrainedModel":
    """The causal language model as engine 'transformers' runs it: with the adapter merged in (`merged_model`), or, where it
    cannot be merged, working beside the weights."""
    if adapter is None or _type(adapter) != BOTTLENECK:
        return merged_model(base, adapter, dtype)
    from .bottleneck import attach_saved

    model = merged_model(base, None, dtype)
    attach_saved(model, adapter)
    return model


def merged_model(base: Path, adapter: Path | None, dtype: str) -> "PreTrainedModel":
    """The causal language model in the checkpoint folder `base`, in `dtype`, with the PEFT adapter in the folder `adapter`
    added to its weights. Raises BadInput where the adapter is none, or cannot be merged."""
    import torch
    from transformers import AutoModelForCausalLM

    if adapter and not (adapter / "adapter_model.safetensors").is_file():
        raise BadInput("candidate: the adapter's object has no adapter_model.safetensors")
    if adapter and _type(adapter) == BOTTLENECK:
        raise BadInput(CANNOT_BE_MERGED)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        base, dtype=getattr(torch, dtype), use_safetensors=True, local_files_only=True, trust_remote_code=False
    )
    if adapter is None:
        return model
    from peft import PeftModel

    wrapped = PeftModel.from_pretrained(model, adapter)
    if not hasattr(wrapped.base_model, "merge_and_unload"):
        raise BadInput(CANNOT_BE_MERGED)
    merged: PreTrainedModel = wrapped.merge_and_unload()
    return merged


def save_checkpoint(model: "PreTrainedModel", base: Path, target: Path) -> Path:
    """Write `model` to the folder `target`, made anew, with the configuration and tokenizer of `base`; returns `target`."""
    shutil.rmtree(target, ignore_errors=True)  # what a killed run half wrote
    target.mkdir(parents=True)
    model.save_pretrained(target)
    written = {MANIFEST, "model.safetensors.index.json", *(path.name for path in target.iterdir())}
    for path in base.iterdir():
        if path.suffix != ".safetensors" and path.name not in written:
            shutil.copyfile(path, target / path.name)
    return target


def weights(candidate: Candidate, store: Store, target: Path, dtype: str) -> Path:
    """A checkpoint folder with the weights of `candidate`: its model's own where it has no adapter, else merged in `dtype`
    and written to `target`. Raises MachineFault where the weights are not here."""
    if candidate.model is None or not candidate.model.object:
        raise MachineFault("the weights of this candidate are not here: a server has them, or it has no model")
    base = opened(store, candidate.model.object)
    if candidate.adapter is None:
        return base
    adapter = opened(store, candidate.adapter.object, "adapter")
    return save_checkpoint(merged_model(base, adapter, dtype), base, target)


def _type(adapter: Path) -> str:
    """The kind of the adapter in that folder, in PEFT's words."""
    return str(json.loads((adapter / "adapter_config.json").read_text())["peft_type"])
