"""Continued pre-training by a mixture: of the blocks, some are denoised (denoising.py), the others learned token by token
(causal.py), as UL2 (Tay et al. 2022, arXiv:2205.05131) mixes its denoisers."""

import random
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from components.core import Machine

from ..documents import Spans, corrupted, packed, sentinels, whole
from ..recipe import Recipe, Trained

ROWS = "documents"


class Settings(Spans):
    """How documents are packed, what is taken out, and of which blocks."""

    share: float = Field(0.5, ge=0, le=1)
    """Share of blocks that are denoised."""


def train(
    recipe: Recipe,
    own: Settings,
    base: Path,
    rows: Sequence[Sequence[int]],
    scratch: Path,
    machine: Machine,
    start: Path | None = None,
) -> Trained:
    """Train on `rows`, each the token ids of a document. What is drawn depends on the seed and a block's number alone."""
    from ..loop import load_tokenizer
    from . import sft

    tokenizer = load_tokenizer(base)
    examples = []
    for number, block in enumerate(packed(rows, tokenizer.eos_token_id, own.block, recipe.seed)):
        draw = random.Random(f"spans/{recipe.seed}/{number}")
        denoised = draw.random() < own.share
        marks = sentinels(tokenizer)
        examples.append(corrupted(block, marks, tokenizer.eos_token_id, own, draw) if denoised else whole(block))
    return sft.train(recipe, sft.Settings(), base, examples, scratch, machine, start)
