"""The loop that tuning, alignment and recovery share: TRL's trainers on cached states, with checkpoints without pickle.

An objective (objectives/) brings rows and a trainer, a technique (techniques/) says which weights are trained. What makes it
fast on a CPU (bench/tuning.py measures it beside TRL's defaults): rows of like length together, attention in blocks, logits
at the answers only, the top layers trained, and the layers below them run once.
"""

import logging
import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainerCallback,
)
from transformers.utils import logging as library_logging

from components.application.attention import attend_in_blocks
from components.application.context import read_config
from components.core import Context, Machine, plot, report
from components.core.memory import give_back

from .answer_head import answer_head
from .checkpoints import newest_whole
from .divergence import Divergence
from .layers import FrozenPrefix, split
from .optimizer import MasterAdamW
from .peft_folder import top_layers
from .recipe import Recipe, Trained
from .techniques import settings, technique

if TYPE_CHECKING:
    from datasets import Dataset as Table
    from transformers import TrainerControl, TrainerState, TrainingArguments

Built = TypeVar("Built")
TableRow = dict[str, list[int]]
"""Token ids, labels and the like of one row, as a trainer's table holds them."""
WARM_UP = 0.06
"""Share of steps over which the learning rate rises; then it falls linearly to a tenth."""


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of the checkpoint in `folder`; it pads with the end token where it has no padding of its own."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def quiet() -> None:
    """Keep the libraries' own lines and bars out of what people read."""
    for name in ("transformers", "trl", "datasets", "accelerate", "torchao", "bitsandbytes", "sentence_transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    library_logging.set_verbosity_error()
    library_logging.disable_progress_bar()


def load_base(
    folder: Path, machine: Machine, dtype: str, context: Context | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """(model, tokenizer) of the checkpoint in `folder`, on the machine's device, with its threads.

    dtype: of the Candidate's runtime. float16 is trained in float32: its gradients vanish without loss scaling
    context: of the Candidate's runtime
    """
    quiet()
    torch.set_num_threads(machine.threads)
    tokenizer = load_tokenizer(folder)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder,
        config=read_config(folder, context),
        dtype=torch.bfloat16 if dtype == "bfloat16" else torch.float32,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )
    PreTrainedModel.to(model, machine.device)  # in place; transformers' decorator hides from mypy that `to` is a method
    attend_in_blocks(model.eval(), context.window if context else None)
    return model, tokenizer


def build(kind: Callable[..., Built], **given: object) -> Built:
    """`kind(**given)` without the warnings that TRL and transformers give each other about renamed settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return kind(**given)


def arguments(
    kind: Callable[..., Built], folder: Path, machine: Machine, seed: int, rows: int, steps: int, **more: object
) -> Built:
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
        logging_nan_inf_filter=False,  # else a loss that is no number is logged as the mean of those before it
        **more,
    )


class ListedBatches:
    """Mixed in before a Trainer: batches as listed in `order`, an fp32-master optimizer, a linear schedule."""

    order: list[list[int]]
    train_dataset: "Table"
    data_collator: Callable[[list[TableRow]], dict[str, torch.Tensor]]

    def get_train_dataloader(self) -> torch.utils.data.DataLoader[TableRow]:
        return torch.utils.data.DataLoader(self.train_dataset, batch_sampler=self.order, collate_fn=self.data_collator)


class ListedTrainer(Protocol):
    """An objective's trainer, as `fit` uses it: a Trainer with ListedBatches and ResumableTrainer mixed in before it."""

    order: list[list[int]]
    state: "TrainerState"

    def train(self, resume_from_checkpoint: str | None = None) -> object: ...
    def save(self, folder: Path) -> None: ...
    def add_callback(self, callback: TrainerCallback) -> None: ...
    def remove_callback(self, callback: type[TrainerCallback]) -> None: ...


class Ready(NamedTuple):
    """A model that is ready to be trained. body: what the technique wrapped; whole: all of the base (shared weights), which
    had `weights` before it was wrapped: rounded to fewer bits they would count as fewer."""

    model: torch.nn.Module
    body: PreTrainedModel
    whole: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    weights: int

    @property
    def layers(self) -> int:
        """Of the whole model."""
        return int(self.whole.config.num_hidden_layers)

    def run_frozen(self, rows: Sequence[Sequence[int]]) -> float:
        """Run the frozen layers over `rows` (token ids) once; returns the seconds."""
        start = time.perf_counter()
        embedding = self.body.get_input_embeddings()
        if isinstance(embedding, FrozenPrefix):
            embedding.fill(rows)
        return time.perf_counter() - start


def prepare(recipe: Recipe, base: Path, start: Path | None, machine: Machine) -> Ready:
    """The checkpoint at `base`, wrapped by the recipe's technique; start: an adapter of that technique to go on from."""
    way = technique(recipe.technique)
    whole, tokenizer = load_base(base, machine, recipe.dtype, recipe.context)
    count = sum(one.numel() for one in whole.parameters())
    if way.WHOLE:
        body = whole
    else:
        top = min(top_layers(start) if start else recipe.layers, whole.config.num_hidden_layers)
        body = split(whole, top, tokenizer.pad_token_id)
    if start:
        model = way.load(body, start, recipe.seed)
    else:
        model = way.wrap(body, settings(recipe.technique, recipe.settings), recipe.seed)
    return Ready(model, body, whole, tokenizer, count)


WIDTHS = 32
"""A batch's width is a multiple of this many tokens: oneDNN keeps a kernel for each shape that it has met, 16 MB a step
where every batch has a width of its own, 4 MB so."""

GIVE_BACK = 20
"""Steps after which freed memory goes back to the system."""


UNPLOTTED = ("epoch", "step", "num_tokens")
"""What a trainer logs that is no figure of one step."""


class Watch(TrainerCallback):
    """Reports progress, plots the figures of each step, saves every `every` steps of `trainer`, keeps memory low, and raises
    Diverged where they say so."""

    def __init__(self, what: str, folder: Path, every: int, trainer: ListedTrainer) -> None:
        self.what, self.folder, self.every, self.trainer = what, folder, every, trainer
        self.divergence = Divergence()

    def on_train_begin(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **given: object
    ) -> None:
        for logs in state.log_history:  # of a training that goes on: what was killed may not have been sent
            self._see(int(logs["step"]), state.max_steps, logs)

    def on_step_end(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **given: object
    ) -> None:
        report(self.what, state.global_step, state.max_steps)
        if state.global_step % GIVE_BACK == 0:
            give_back()

    def on_log(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        logs: Mapping[str, float] = {},
        **given: object,
    ) -> None:
        self._see(state.global_step, state.max_steps, logs)
        # once a step, after its loss has entered the history that a checkpoint carries
        due = self.every and "loss" in logs and state.global_step % self.every == 0
        if due and state.global_step < state.max_steps:
            self.trainer.save(self.folder)

    def _see(self, step: int, steps: int, logs: Mapping[str, float]) -> None:
        if "loss" in logs:
            figures = {name: value for name, value in logs.items() if name not in UNPLOTTED}
            plot(self.what, step, figures)
            self.divergence.look(step, steps, figures)


def optimizers(
    live: Sequence[torch.nn.Parameter], learning_rate: float, steps: int
) -> tuple[MasterAdamW, torch.optim.lr_scheduler.LambdaLR]:
    """The optimizer over the trained weights and its schedule."""
    optimizer = MasterAdamW(live, lr=learning_rate)
    rising = max(1, round(WARM_UP * steps))

    def factor(step: int) -> float:
        falling = max(0.0, 1 - (step - rising) / max(1, steps - rising))
        return min(1.0, (step + 1) / rising) * (0.1 + 0.9 * min(1.0, falling))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def fit(
    trainer_kind: Callable[..., ListedTrainer],
    args: "TrainingArguments",
    recipe: Recipe,
    ready: Ready,
    base: Path,
    order: list[list[int]],
    what: str,
    scratch: Path,
    **given: object,
) -> Trained:
    """Train `ready` on the batches that `order` lists, and save it as its technique does in `scratch/trained`.

    given: further arguments of the trainer. Goes on from the newest whole checkpoint under `scratch` where there is one.
    Raises Diverged (divergence.py).
    """
    way = technique(recipe.technique)
    live = way.live(ready.model)
    rate = recipe.learning_rate or way.LEARNING_RATE
    trainer = build(
        trainer_kind,
        model=ready.model,
        args=args,
        processing_class=ready.tokenizer,
        optimizers=optimizers(list(live.values()), rate, len(order)),
        **given,
    )
    trainer.order = order
    answer_head(ready.body)
    losses, seconds, resumed = run(trainer, what, scratch / "checkpoints", recipe.checkpoint_every)
    folder = scratch / "trained"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run half wrote would be part of the object
    folder.mkdir(parents=True)
    way.save(ready.model, base, folder, ready.layers)
    return Trained(folder, losses, 0, seconds, 0.0, resumed, trained_share(recipe, ready))


def trained_share(recipe: Recipe, ready: Ready) -> float:
    """Of all weights of a prepared model, how many are trained: an adapter's own count among all of them."""
    way = technique(recipe.technique)
    own = sum(one.numel() for one in way.live(ready.model).values())
    return own / (ready.weights + (own if way.PRODUCT == "adapter" else 0))


def run(trainer: ListedTrainer, what: str, scratch: Path, every: int) -> tuple[list[float], float, bool]:
    """Train, from the newest whole checkpoint in `scratch` where there is one; returns (losses, seconds, whether there was).

    what: for people who watch. every: steps between checkpoints; 0: none. Raises Diverged (divergence.py).
    """
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Watch(what, scratch, every, trainer))
    checkpoint = newest_whole(scratch) if scratch.is_dir() else None
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    seconds = time.perf_counter() - start
    give_back()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry], seconds, bool(checkpoint)


class Padded:
    """Collates examples: right padding to a multiple of WIDTHS, labels −100 where nothing is learned."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: list[TableRow]) -> dict[str, torch.Tensor]:
        width = -(-max(len(row["input_ids"]) for row in rows) // WIDTHS) * WIDTHS

        def padded(values: list[list[int]], fill: int) -> torch.Tensor:
            return torch.tensor([[*value, *[fill] * (width - len(value))] for value in values])

        return {
            "input_ids": padded([row["input_ids"] for row in rows], self.pad),
            "attention_mask": padded([[1] * len(row["input_ids"]) for row in rows], 0),
            "labels": padded([row["labels"] for row in rows], -100),
        }
