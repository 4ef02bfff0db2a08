"""Contrastive training of a sentence embedder: sentence-transformers' trainer and loss, on the parts of the shared loop.

A question is to lie nearer to its own chunk than to the chunks of the other questions of its batch and to its hard
negatives: MultipleNegativesRankingLoss, which is InfoNCE (van den Oord et al. 2018, arXiv 1807.03748) with the negatives of
Karpukhin et al. 2020, "Dense Passage Retrieval" (arXiv 2004.04906). All weights are trained, in float32; with bfloat16 the
products inside are rounded, as they are when the embedder runs. Dropout is off and the batches are listed up front, so that
nothing random runs in a step: a killed training goes on at its last checkpoint and ends with the same bytes.
Not covered: batches larger than memory (the library's cached losses); several machines.
"""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import torch
from datasets import Dataset as Table
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import cos_sim
from torch.nn import Dropout

from components.core import Frozen, Machine
from components.training import Trained
from components.training.checkpoints import ResumableTrainer
from components.training.loop import ListedBatches, arguments, build, optimizers, quiet, run

WHAT = "tuning the embedder"


class Recipe(Frozen):
    """How the embedder is trained, whatever the questions."""

    epochs: int
    learning_rate: float
    batch_rows: int
    seed: int
    dtype: Literal["float32", "bfloat16"]
    """Of the products inside."""


class ContrastiveTrainer(ListedBatches, ResumableTrainer, SentenceTransformerTrainer):  # type: ignore[misc]  # its collator
    """The library's trainer with listed batches and checkpoints without pickle."""

    rounded = False
    """Whether products inside are of bfloat16."""

    def autocast_smart_context_manager(self, cache_enabled: bool | None = True) -> AbstractContextManager[object]:
        return torch.autocast(self.args.device.type, dtype=torch.bfloat16, enabled=self.rounded)


def train(
    recipe: Recipe, base: Path, rows: Sequence[Mapping[str, str]], every: int, scratch: Path, machine: Machine
) -> Trained:
    """Train the embedder in the folder `base`, and save it as a checkpoint of its own kind in `scratch/trained`.

    rows:  question, its chunk, then its hard negatives, in columns of the same names for all
    every: steps between checkpoints; 0: none. Raises Diverged (training/divergence.py).
    """
    quiet()
    torch.set_num_threads(machine.threads)
    model = SentenceTransformer(
        str(base),
        device=machine.device,
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    ).float()
    model.model_card_data.widget = [{}]  # no card is written; where it has no example, some are drawn beside a progress bar
    for module in model.modules():
        if isinstance(module, Dropout):
            module.p = 0.0
    table = Table.from_list([dict(row) for row in rows])
    order = listed(table, recipe)
    args = arguments(SentenceTransformerTrainingArguments, scratch, machine, recipe.seed, recipe.batch_rows, len(order))
    trainer = build(
        ContrastiveTrainer,
        model=model,
        args=args,
        train_dataset=table,
        loss=MultipleNegativesRankingLoss(model, similarity_fct=_cosines),
        optimizers=optimizers(list(model.parameters()), recipe.learning_rate, len(order)),
    )
    trainer.order, trainer.rounded = order, recipe.dtype == "bfloat16"
    losses, seconds, resumed = run(trainer, WHAT, scratch / "checkpoints", every)
    folder = scratch / "trained"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run half wrote would be part of the object
    model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    return Trained(folder, losses, _tokens(model, rows, order), seconds, 0.0, resumed, 1.0)


def listed(table: Table, recipe: Recipe) -> list[list[int]]:
    """Row numbers of every batch of the run. No text stands in a batch twice: what is right for one question would count as
    wrong for another. A question alone with itself has nothing to be told from, and is left out of that epoch."""
    sampler = NoDuplicatesBatchSampler(
        table, batch_size=recipe.batch_rows, drop_last=False, generator=torch.Generator(), seed=recipe.seed
    )
    order: list[list[int]] = []
    for epoch in range(recipe.epochs):
        sampler.set_epoch(epoch)
        order += [batch for batch in sampler if len(batch) > 1]
    return order


def _cosines(questions: torch.Tensor, chunks: torch.Tensor) -> torch.Tensor:
    """float32 [questions, chunks]: cosines of bfloat16 have two digits, of which the loss takes the difference times 20."""
    with torch.autocast(questions.device.type, enabled=False):
        return cos_sim(questions.float(), chunks.float())


def _tokens(model: SentenceTransformer, rows: Sequence[Mapping[str, str]], order: Sequence[Sequence[int]]) -> int:
    """Tokens that the run read."""
    most = int(model.max_seq_length or 0)
    lengths = [sum(min(len(ids), most) for ids in model.tokenizer(list(row.values()))["input_ids"]) for row in rows]
    return sum(lengths[number] for batch in order for number in batch)
