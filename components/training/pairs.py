"""Preference pairs as token ids, and what the objectives that learn from them share."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from datasets import Dataset as Table
from peft import PeftModel

from components.core import Machine

from .answer_head import answer_head
from .batches import batches
from .loop import Ready, prepare
from .recipe import Recipe, Trained


@dataclass(frozen=True)
class Pair:
    """Token ids of what was asked, of the better answer and of the worse one."""

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]

    @property
    def sides(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What was asked with each answer."""
        return self.prompt + self.chosen, self.prompt + self.rejected

    @property
    def tokens(self) -> int:
        """Of both sides."""
        return sum(map(len, self.sides))


class Prepared(NamedTuple):
    """A model that is ready, the batches of pairs in order, and how long the frozen layers took over all of them."""

    ready: Ready
    order: list[list[int]]
    frozen_seconds: float

    def told(self, trained: Trained, pairs: Sequence[Pair]) -> Trained:
        """`trained`, with the tokens that were trained on and the seconds of the frozen layers."""
        tokens = sum(pairs[i].tokens for batch in self.order for i in batch)
        return trained._replace(tokens=tokens, prefix_seconds=self.frozen_seconds)


def prepared(recipe: Recipe, base: Path, start: Path | None, pairs: Sequence[Pair], machine: Machine) -> Prepared:
    """What an objective trains `pairs` with; of a batch of pairs, twice as many sequences run at once."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # TRL draws a bar while it computes the reference
    ready = prepare(recipe, base, start, machine)
    seconds = ready.run_frozen([side for pair in pairs for side in pair.sides])
    lengths = [len(pair.prompt) + len(pair.chosen) + len(pair.rejected) for pair in pairs]
    return Prepared(ready, batches(lengths, recipe.batch_rows, recipe.epochs, recipe.seed), seconds)


def table(pairs: Sequence[Pair]) -> Table:
    """`pairs` as TRL's trainers of pairs read them."""
    rows = [
        {"prompt_ids": list(one.prompt), "chosen_ids": list(one.chosen), "rejected_ids": list(one.rejected)} for one in pairs
    ]
    return Table.from_list(rows)


class TokenIds:
    """Mixed in before a trainer of TRL's: its table holds token ids already, by the engine's own prompt."""

    def _prepare_dataset(self, dataset: Table, *given: object) -> Table:
        return dataset


def as_reference(model: torch.nn.Module | None) -> None:
    """Make the model as it is now the reference of TRL's trainer, with logits at the answers only."""
    assert model is not None, "a trainer is given one"
    if isinstance(model, PeftModel):
        _copy_to_reference(model)
        answer_head(model.get_base_model())
    else:  # an adapter that PEFT does not know: the reference is the model as it is
        answer_head(model)


@torch.no_grad()
def _copy_to_reference(model: PeftModel) -> None:
    """Give the reference the adapter's weights. TRL copies those alone that have a name behind the adapter's, so that the
    reference of (IA)³'s factors (`ia3_l.default`) was the model without them."""
    for name, weight in model.named_parameters():
        parts = name.split(".")
        if "default" in parts:
            model.get_parameter(".".join("ref" if part == "default" else part for part in parts)).copy_(weight)
