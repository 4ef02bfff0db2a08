"""Continued pre-training by next tokens: likelihood of every token of documents, packed without padding (domain- and
task-adaptive pre-training: Gururangan et al. 2020, arXiv:2004.10964)."""

from collections.abc import Sequence
from pathlib import Path

from components.core import Machine

from ..documents import Packing, packed, whole
from ..recipe import Recipe, Trained

ROWS = "documents"


class Settings(Packing):
    """How documents are packed."""


def train(
    recipe: Recipe,
    own: Settings,
    base: Path,
    rows: Sequence[Sequence[int]],
    scratch: Path,
    machine: Machine,
    start: Path | None = None,
) -> Trained:
    """Train on `rows`, each the token ids of a document; by SFT's trainer, with nothing asked before what is learned."""
    from ..loop import load_tokenizer
    from . import sft

    blocks = packed(rows, load_tokenizer(base).eos_token_id, own.block, recipe.seed)
    return sft.train(recipe, sft.Settings(), base, [whole(block) for block in blocks], scratch, machine, start)
