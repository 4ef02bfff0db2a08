"""How likely a model holds texts: the negative log-likelihood of each, in nats."""

from collections.abc import Sequence
from pathlib import Path

import torch

from components.core import Machine

from .answer_head import answer_head
from .loop import WIDTHS, Padded, load_base, prepare
from .recipe import Recipe

ROWS = 4
"""Texts at once: the logits of 2,048 tokens over a vocabulary of 49,152 take 0.4 GB, and as much again a few times."""


def nats(recipe: Recipe, base: Path, adapter: Path | None, texts: Sequence[Sequence[int]], machine: Machine) -> list[float]:
    """Of each text (token ids, two or more) the summed negative log-likelihood of its tokens but the first, in nats.

    base: folder of the checkpoint. adapter: of the recipe's technique, as it was trained; None: the base alone.
    """
    if adapter:
        ready = prepare(recipe, base, adapter, machine)
        model, tokenizer = ready.model, ready.tokenizer
        answer_head(ready.body)
    else:
        model, tokenizer = load_base(base, machine, recipe.dtype)
        answer_head(model)
    collate, found = Padded(tokenizer.pad_token_id), [0.0] * len(texts)
    order = sorted(range(len(texts)), key=lambda number: (-(-len(texts[number]) // WIDTHS), number))
    with torch.no_grad():
        for first in range(0, len(order), ROWS):
            numbers = order[first : first + ROWS]
            batch = collate([{"input_ids": list(texts[one]), "labels": list(texts[one])} for one in numbers])
            there = {name: value.to(machine.device) for name, value in batch.items()}
            for one, value in zip(numbers, model(**there).log_probs.sum(1).tolist(), strict=True):
                found[one] = -value
    return found
