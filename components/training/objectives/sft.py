"""Supervised fine-tuning through TRL's SFTTrainer: likelihood of the answers, given what is asked."""

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset as Table
from trl import SFTConfig, SFTTrainer

from components.core import Frozen, Machine

from ..batches import batches
from ..checkpoints import ResumableTrainer
from ..examples import Example
from ..loop import ListedBatches, Padded, arguments, fit, prepare
from ..recipe import Recipe, Trained

ROWS = "examples"


class Settings(Frozen):
    """None of its own."""


class AnswerTrainer(ListedBatches, ResumableTrainer, SFTTrainer):
    """TRL's SFTTrainer with listed batches and checkpoints without pickle."""


def train(
    recipe: Recipe,
    own: Settings,
    base: Path,
    rows: Sequence[Example],
    scratch: Path,
    machine: Machine,
    start: Path | None = None,
    practice: Sequence[Example] = (),
) -> Trained:
    """Train on `rows`; practice: seen once, before them."""
    ready = prepare(recipe, base, start, machine)
    seen = [*practice, *rows]
    lengths = [len(row.ids) for row in seen]
    frozen_seconds = ready.run_frozen([row.ids for row in seen])
    first = len(practice)
    order = batches(lengths[:first], recipe.batch_rows, 1, recipe.seed) if practice else []
    listed = batches(lengths[first:], recipe.batch_rows, recipe.epochs, recipe.seed)
    order += [[first + i for i in batch] for batch in listed]
    table = [{"input_ids": list(row.ids), "labels": [-100] * row.start + list(row.ids[row.start :])} for row in seen]
    args = arguments(
        SFTConfig, scratch, machine, recipe.seed, recipe.batch_rows, len(order),
        dataset_kwargs={"skip_prepare_dataset": True}, max_length=None,
    )  # fmt: skip
    collate = Padded(ready.tokenizer.pad_token_id)
    trained = fit(
        AnswerTrainer, args, recipe, ready, base, order, "training", scratch,
        train_dataset=Table.from_list(table), data_collator=collate,
    )  # fmt: skip
    tokens = sum(lengths[i] for batch in order for i in batch)
    return trained._replace(tokens=tokens, prefix_seconds=frozen_seconds)
