"""Odds ratio preference optimisation (Hong et al. 2024, arXiv:2403.07691): likelihood of the better answer, and its odds
against the worse one. It needs no reference.

Its loss is our own, on the batches of TRL's DPOTrainer: TRL's ORPOTrainer (experimental) tokenises texts itself, by the
tokenizer's template, and so cannot be given the engine's own prompts, listed batches and logits at the answers only.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from datasets import Dataset as Table
from pydantic import Field
from torch.nn.functional import logsigmoid
from trl import DPOConfig, DPOTrainer

from components.core import Frozen, Machine

from ..checkpoints import ResumableTrainer
from ..loop import WIDTHS, ListedBatches, arguments, fit
from ..pairs import Pair, TokenIds, as_reference, prepared, table
from ..recipe import Recipe, Trained

ROWS = "pairs"


class Settings(Frozen):
    """ORPO's own settings."""

    beta: float = Field(0.1, gt=0)
    """Weight of the odds ratio beside the likelihood of the better answer (λ in the paper)."""


class OddsTrainer(TokenIds, ListedBatches, ResumableTrainer, DPOTrainer):
    """TRL's DPOTrainer with ORPO's loss in place of its own."""

    args: DPOConfig

    def _precompute_ref_logps(self, dataset: Table, name: str, batch_size: int) -> Table:
        as_reference(self.model)
        nothing = [0.0] * len(dataset)
        return dataset.add_column("ref_chosen_logps", nothing).add_column("ref_rejected_logps", nothing)

    def _compute_loss(
        self, model: torch.nn.Module, inputs: Mapping[str, torch.Tensor], return_outputs: bool
    ) -> torch.Tensor:
        ids, mask = inputs["input_ids"], inputs["completion_mask"]
        labels = ids.masked_fill(mask == 0, -100)
        out = model(
            input_ids=ids, attention_mask=inputs["attention_mask"], labels=labels, use_cache=False, fused_lm_head=True
        )
        return odds_ratio_loss(out.log_probs[:, -(ids.shape[1] - 1) :], mask[:, 1:], self.args.beta)


def odds_ratio_loss(log_probs: torch.Tensor, mask: torch.Tensor, beta: float) -> torch.Tensor:
    """Equation 6 of the paper.

    log_probs: [2 pairs, tokens], the better answers first, 0 where `mask` is. The probability of an answer is the geometric
    mean of its tokens'.
    """
    means = log_probs.sum(1) / mask.sum(1).clamp(min=1)
    better, worse = means.chunk(2)
    odds = better - worse - (torch.log1p(-better.exp()) - torch.log1p(-worse.exp()))
    tokens = mask.chunk(2)[0].sum().clamp(min=1)
    return -log_probs.chunk(2)[0].sum() / tokens - beta * logsigmoid(odds).mean()


def train(
    recipe: Recipe,
    own: Settings,
    base: Path,
    rows: Sequence[Pair],
    scratch: Path,
    machine: Machine,
    start: Path | None = None,
) -> Trained:
    """Train on `rows`."""
    given = prepared(recipe, base, start, rows, machine)
    args = arguments(
        DPOConfig, scratch, machine, recipe.seed, recipe.batch_rows, len(given.order),
        beta=own.beta, precompute_ref_log_probs=True, max_length=None, pad_to_multiple_of=WIDTHS,
    )  # fmt: skip
    trained = fit(OddsTrainer, args, recipe, given.ready, base, given.order, "aligning", scratch, train_dataset=table(rows))
    return given.told(trained, rows)
