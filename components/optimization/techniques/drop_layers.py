"""Whole layers are taken out, and a short training on the training rows makes up for them.

Which: those that change their input least, by the cosine between the two (block influence; Men et al. 2024, "ShortGPT",
arXiv:2403.03853), measured on training rows as they are asked; never the first and the last. The model stays in the dtype it
ran in, and runs on the same engine, so that every layer less is that much less to compute.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from components.application import merged, save_checkpoint, weights
from components.core import BadInput, Candidate, Checkpoint, Derivation, Frozen, Step, part, report
from components.training import TECHNIQUES, Diverged, Recipe
from components.training import technique as tuning_technique

from . import Given

if TYPE_CHECKING:
    from components.training.examples import Example

BITS = 32
PACKAGES = ("torch", "transformers", "peft", "trl")
CODE = ("components.optimization.techniques.drop_layers",)


class Settings(Frozen):
    """How much is taken out, and how it is made up for."""

    layers: int = Field(2, ge=1)
    """How many layers go."""
    rows: int = Field(32, ge=1)
    """Training rows on which the layers are judged."""
    technique: str = "lora"
    """How the recovery trains: a file of `training/techniques` that can be merged into the weights."""
    epochs: float = Field(1, gt=0)
    """Passes of the recovery over the training rows."""
    max_tokens: int = Field(512, ge=16)
    """Longer training rows are left out."""
    seed: int = 0

    @field_validator("technique")
    @classmethod
    def _leaves_one_checkpoint(cls, name: str) -> str:
        if not tuning_technique(name).MERGEABLE:
            allowed = ", ".join(one for one in TECHNIQUES if tuning_technique(one).MERGEABLE)
            raise ValueError(f"what '{name}' learns cannot become part of a checkpoint; allowed: {allowed}")
        return name


def build(candidate: Candidate, own: Settings, given: Given, step: Step) -> Candidate:
    """`candidate` with `own.layers` layers less, tuned on the training rows; made once (`Step.memo`), resumed after a kill.

    Raises BadInput where the model has too few layers, or is no plain stack of them, or no training row is usable, or the
    recovery diverges.
    """
    model = candidate.model
    assert model is not None, "only a candidate with a model is built"

    def make(inner: Step) -> Checkpoint:
        from components.training.objectives import objective

        dtype = candidate.runtime.dtype
        whole = weights(candidate, inner.store, inner.scratch / "merged", dtype)
        rows = _rows(candidate, own, given, whole, inner)
        report("choosing the layers that go")
        dropped = _least(merged(whole, None, dtype).model, rows[: own.rows], own.layers)
        short = save_checkpoint(_without(merged(whole, None, dtype).model, dropped), whole, inner.scratch / "short")
        recipe = Recipe(
            technique=own.technique,
            epochs=own.epochs,
            layers=10_000,
            dtype=dtype,
            context=candidate.runtime.context,
            seed=own.seed,
        )
        sft = objective("sft")
        try:
            with part(f"without {len(dropped)} layers"):
                trained = sft.train(recipe, sft.Settings(), short, rows, inner.scratch, inner.machine)
        except Diverged as error:
            raise BadInput(
                f"section 'optimization', key 'drop_layers': the recovery by {own.technique} {error}. Drop fewer layers, "
                "name another technique, or leave drop_layers out of 'variants'"
            ) from error
        inner.measured["training"] = trained.measured
        folder: Path = trained.folder
        if tuning_technique(own.technique).PRODUCT == "adapter":
            recovered = merged(short, folder, dtype)
            folder = save_checkpoint(recovered.model, short, inner.scratch / "recovered", recovered.tokenizer)
        how = {**own.model_dump(mode="json"), "dropped": dropped, "trained_rows": len(rows)}
        return model.model_copy(
            update={
                "object": inner.store.put(folder),
                "origin": f"{model.origin}; {len(dropped)} layers dropped and recovered by {own.technique}",
                "derived_from": Derivation(
                    technique="drop_layers", checkpoint=model, adapter=candidate.adapter, settings=how, trained=True
                ),
            }
        )

    inputs = [candidate, own, given.task, given.dataset]
    shorter = step.memo("drop_layers", Checkpoint, inputs, make, code=CODE)
    return candidate.model_copy(update={"model": shorter, "adapter": None})


def _rows(candidate: Candidate, own: Settings, given: Given, base: Path, step: Step) -> "list[Example]":
    """The training rows as the candidate is asked them, with their answers."""
    from components.training.contexts import shown_rows
    from components.training.examples import encode
    from components.training.loop import load_tokenizer

    assert candidate.prompt is not None, "a candidate with a model has a prompt"
    rows = given.dataset.rows("train", step.store)
    shown, _, _ = shown_rows(given.task, candidate, given.dataset, rows, 0.0, 0.5, own.seed, step)
    every = encode(load_tokenizer(base), candidate.prompt, shown, candidate.runtime.whole)
    encoded = [row for row in every if len(row.ids) <= own.max_tokens]
    if not encoded:
        raise BadInput(
            "section 'optimization', key 'variants': drop_layers needs training rows to recover on, none is usable"
        )
    return encoded


def _least(model: Any, rows: "Sequence[Example]", count: int) -> list[int]:
    """Numbers of the `count` layers, in order, that change their input least."""
    import torch

    layers = getattr(getattr(model, "model", None), "layers", None)
    if layers is None or len(layers) < count + 2:
        raise BadInput(
            f"section 'optimization', key 'drop_layers.layers': {count} of {len(layers or ())} layers cannot go; the first "
            "and the last stay"
        )
    change = torch.zeros(len(layers))
    with torch.no_grad():
        for row in rows:
            out = model.model(input_ids=torch.tensor([row.ids]), use_cache=False, output_hidden_states=True)
            for number, (before, after) in enumerate(zip(out.hidden_states, out.hidden_states[1:], strict=False)):
                change[number] += 1 - torch.cosine_similarity(before.float(), after.float(), dim=-1).mean()
    inner = sorted(range(1, len(layers) - 1), key=lambda number: (float(change[number]), number))
    return sorted(inner[:count])


def _without(model: Any, dropped: list[int]) -> Any:
    """`model` with those layers taken out and the others numbered anew."""
    from torch import nn

    staying = [number for number in range(len(model.model.layers)) if number not in dropped]
    model.model.layers = nn.ModuleList(model.model.layers[number] for number in staying)
    for number, layer in enumerate(model.model.layers):
        layer.self_attn.layer_idx = number
    model.config = copy.deepcopy(model.config)
    if getattr(model.config, "layer_types", None):
        model.config.layer_types = [model.config.layer_types[number] for number in staying]
    model.config.num_hidden_layers = len(staying)
    return model
