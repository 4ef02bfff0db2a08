"""Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv:2402.01306) through TRL's KTOTrainer: each answer is good or
bad by itself.

Of a pair the better answer is a good one and the worse one a bad one. The divergence from the reference is estimated, as in
the paper, from answers to other questions of the same batch.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from datasets import Dataset as Table
from pydantic import Field
from trl import KTOConfig, KTOTrainer

from components.core import Frozen, Machine

from ..checkpoints import ResumableTrainer
from ..loop import WIDTHS, ListedBatches, arguments, fit
from ..pairs import Pair, TokenIds, as_reference, prepared
from ..recipe import Recipe, Trained

ROWS = "pairs"


class Settings(Frozen):
    """KTO's own settings."""

    beta: float = Field(0.1, gt=0)
    """Strength of the pull towards the model before it."""


class UnpairedTrainer(TokenIds, ListedBatches, ResumableTrainer, KTOTrainer):
    """TRL's KTOTrainer with listed batches, checkpoints without pickle, logits at the answers only."""

    def _precompute_ref_logps(self, dataset: Table, name: str, batch_size: int) -> Table:
        as_reference(self.model)
        return super()._precompute_ref_logps(dataset, name, batch_size)


def train(
    recipe: Recipe,
    own: Settings,
    base: Path,
    rows: Sequence[Pair],
    scratch: Path,
    machine: Machine,
    start: Path | None = None,
) -> Trained:
    """Train on `rows`: of each batch of pairs, all answers in one batch."""
    given = prepared(recipe, base, start, rows, machine)
    listed = [_answers([rows[i] for i in batch]) for batch in given.order]
    ends = [sum(map(len, listed[:at])) for at in range(len(listed) + 1)]
    order = [list(range(first, last)) for first, last in pairwise(ends)]
    args = arguments(
        KTOConfig, scratch, machine, recipe.seed, 2 * recipe.batch_rows, len(order),
        beta=own.beta, precompute_ref_log_probs=True, max_length=None, pad_to_multiple_of=WIDTHS,
    )  # fmt: skip
    table = Table.from_list([answer for batch in listed for answer in batch])
    trained = fit(UnpairedTrainer, args, recipe, given.ready, base, order, "aligning", scratch, train_dataset=table)
    return given.told(trained, rows)


def _answers(pairs: Sequence[Pair]) -> list[dict[str, object]]:
    """The answers of a batch of pairs, each beside the one before it, which answers another question (in a batch of one
    pair, the other answer)."""
    each = [(pair.prompt, answer, good) for pair in pairs for answer, good in ((pair.chosen, True), (pair.rejected, False))]
    others = [each[at - 2 if len(pairs) > 1 else at - 1][1] for at in range(len(each))]
    return [
        {"prompt_ids": list(prompt), "completion_ids": list(answer), "KL_completion_ids": list(other), "label": good}
        for (prompt, answer, good), other in zip(each, others, strict=True)
    ]
