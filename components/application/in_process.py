"""What every engine that runs a model in this process does: threads, tokenizer and weights from a folder, rows into batches,
and the device that the machine names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import Machine, MachineFault
from components.core.memory import spare_imports

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH_TOKENS = 4096
BATCH_ROWS = 16
"""A batch holds at most this many padded tokens and rows: measured on 2 cores, larger ones are no faster."""


def tokenizer_in(folder: Path, machine: Machine) -> "PreTrainedTokenizerBase":
    """The tokenizer of the checkpoint in `folder`, the libraries made silent and given the machine's threads."""
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()
    torch.set_num_threads(machine.threads)
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    spare_imports()
    return tokenizer


def batches(lengths: Sequence[int], new_tokens: int) -> Iterator[list[int]]:
    """Positions of rows, sorted by length (ties by position), cut where the padded batch would grow too large.

    lengths: tokens of each row; new_tokens: how many may be added to each
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and (len(batch) == BATCH_ROWS or (len(batch) + 1) * (lengths[i] + new_tokens) > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def device(machine: Machine) -> str:
    """The word by which torch knows the device of `machine`. Raises MachineFault where it is not there."""
    import torch

    if machine.device == "cuda" and not torch.cuda.is_available():
        raise MachineFault("machine.device: 'cuda' is asked for, but no GPU answers here; use a profile with device: cpu")
    return machine.device
