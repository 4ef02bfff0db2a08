"""Supervised fine-tuning through TRL's SFTTrainer on cached states: one call from examples to an adapter folder.

What makes it fast on a CPU (bench/tuning.py measures it beside TRL's defaults): bf16 weights and adapters, rows of like
length together, attention in blocks, logits at the answers only, LoRA on the top layers, and the layers below them run once.
"""

import logging
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset as Table
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
from transformers.utils import logging as library_logging
from trl import SFTConfig, SFTTrainer

from components.application.attention import attend_in_blocks
from components.core import Machine, report
from components.core.memory import give_back

from .adapter import save_adapter, with_lora
from .answer_head import answer_head
from .batches import batches
from .checkpoints import ResumableTrainer, newest_whole
from .examples import Example
from .layers import split
from .merged_lora import merge_in_forward
from .optimizer import MasterAdamW

WARM_UP = 0.06
"""Share of steps over which the learning rate rises; then it falls linearly to a tenth."""


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of the checkpoint in `folder`; it pads with the end token where it has no padding of its own."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(folder: Path, machine: Machine) -> tuple[Any, Any]:
    """(model in bfloat16, tokenizer) of the checkpoint in `folder`, on the machine's device, with its threads."""
    for name in ("transformers", "trl", "datasets", "accelerate", "torchao"):
        logging.getLogger(name).setLevel(logging.ERROR)
    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()
    torch.set_num_threads(machine.threads)
    tokenizer = load_tokenizer(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, use_safetensors=True, local_files_only=True
    )
    model = model.to(machine.device).eval()
    attend_in_blocks(model)
    return model, tokenizer


def build(kind: type[Any], **given: Any) -> Any:
    """`kind(**given)` without the warnings that TRL and transformers give each other about renamed settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return kind(**given)


def settings(kind: type[Any], folder: Path, machine: Machine, seed: int, rows: int, steps: int, **more: Any) -> Any:
    """A TRL configuration (SFTConfig, DPOConfig) that neither writes, reports, prints nor checkpoints by itself."""
    return build(
        kind,
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=rows,
        seed=seed,
        use_cpu=machine.device == "cpu",
        bf16=False,
        gradient_checkpointing=False,
        save_strategy="no",
        logging_strategy="steps",
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        **more,
    )


class ListedBatches:
    """Mixed in before a Trainer: batches as listed in `order`, an fp32-master optimizer, a linear schedule."""

    order: list[list[int]]
    train_dataset: Any
    data_collator: Any

    def get_train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(self.train_dataset, batch_sampler=self.order, collate_fn=self.data_collator)


class AnswerTrainer(ListedBatches, ResumableTrainer, SFTTrainer):
    """TRL's SFTTrainer with listed batches and checkpoints without pickle."""


WIDTHS = 32
"""A batch's width is a multiple of this many tokens: oneDNN keeps a kernel for each shape that it has met, 16 MB a step
where every batch has a width of its own, 4 MB so."""

GIVE_BACK = 20
"""Steps after which freed memory goes back to the system."""


class Watch(TrainerCallback):
    """Reports progress, saves every `every` steps, keeps memory low."""

    def __init__(self, what: str, folder: Path, every: int) -> None:
        self.what, self.folder, self.every = what, folder, every
        self.trainer: Any = None

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        report(self.what, state.global_step, state.max_steps)
        if state.global_step % GIVE_BACK == 0:
            give_back()

    def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        # once a step, after its loss has entered the history that a checkpoint carries
        due = self.every and "loss" in given["logs"] and state.global_step % self.every == 0
        if due and state.global_step < state.max_steps:
            self.trainer.save(self.folder)


def optimizers(model: Any, learning_rate: float, steps: int) -> tuple[MasterAdamW, Any]:
    """The optimizer over the adapter's live weights and its schedule."""
    live = [p for name, p in model.named_parameters() if p.requires_grad and ".default." in name]
    optimizer = MasterAdamW(live, lr=learning_rate)
    rising = max(1, round(WARM_UP * steps))

    def factor(step: int) -> float:
        falling = max(0.0, 1 - (step - rising) / max(1, steps - rising))
        return min(1.0, (step + 1) / rising) * (0.1 + 0.9 * min(1.0, falling))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def run(trainer: Any, what: str, scratch: Path, every: int) -> dict[str, Any]:
    """Train, from the newest whole checkpoint under `scratch` where there is one. Returns {"losses", "seconds"}."""
    watch = Watch(what, scratch, every)
    watch.trainer = trainer
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(watch)
    found = newest_whole(scratch) if scratch.is_dir() else None
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        trainer.train(resume_from_checkpoint=str(found) if found else None)
    seconds = time.perf_counter() - start
    give_back()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {"losses": losses, "seconds": seconds, "resumed": bool(found)}


def fine_tune(
    config: Any,
    base: Path,
    examples: Sequence[Example],
    scratch: Path,
    machine: Machine,
    practice: Sequence[Example] = (),
) -> dict[str, Any]:
    """Train a LoRA adapter on `examples` and write it to `scratch/adapter` (PEFT, for the whole model).

    practice: seen once, before `examples`
    Returns {"folder", "losses" (one a step), "tokens" (real ones, trained on), "prefix_seconds", "seconds"}.
    """
    model, tokenizer = load_base(base, machine)
    total = model.config.num_hidden_layers
    pad = tokenizer.pad_token_id
    half = split(model, min(config.layers, total), pad)
    peft_model = with_lora(half, config.rank, config.alpha, config.modules, config.seed)
    merge_in_forward(peft_model)
    rows = [*practice, *examples]
    lengths = [len(row.ids) for row in rows]
    start = time.perf_counter()
    half.model.embed_tokens.fill([row.ids for row in rows])
    filled = time.perf_counter() - start
    first = len(practice)
    order = batches(lengths[:first], config.batch_rows, 1, config.seed) if practice else []
    labelled = batches(lengths[first:], config.batch_rows, config.epochs, config.seed)
    order += [[first + i for i in batch] for batch in labelled]
    table = Table.from_list(
        [{"input_ids": list(row.ids), "labels": [-100] * row.start + list(row.ids[row.start :])} for row in rows]
    )
    trainer = build(
        AnswerTrainer,
        model=peft_model,
        args=settings(
            SFTConfig,
            scratch,
            machine,
            config.seed,
            config.batch_rows,
            len(order),
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
        ),
        train_dataset=table,
        processing_class=tokenizer,
        data_collator=Padded(pad),
        optimizers=optimizers(peft_model, config.learning_rate, len(order)),
    )
    trainer.order = order
    answer_head(half)
    measured = run(trainer, "training", scratch / "checkpoints", config.checkpoint_every)
    folder = save_adapter(peft_model, scratch / "adapter", total)
    tokens = sum(lengths[i] for batch in order for i in batch)
    return {"folder": folder, "tokens": tokens, "prefix_seconds": filled, **measured}


class Padded:
    """Collates examples: right padding to a multiple of WIDTHS, labels −100 where nothing is learned."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        width = -(-max(len(row["input_ids"]) for row in rows) // WIDTHS) * WIDTHS

        def padded(values: list[list[int]], fill: int) -> torch.Tensor:
            return torch.tensor([[*value, *[fill] * (width - len(value))] for value in values])

        return {
            "input_ids": padded([row["input_ids"] for row in rows], self.pad),
            "attention_mask": padded([[1] * len(row["input_ids"]) for row in rows], 0),
            "labels": padded([row["labels"] for row in rows], -100),
        }
