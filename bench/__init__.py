"""Measured claims: each file holds pairs, ours and a peer's, run side by side; `make bench` runs them all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NotRequired, TypedDict

from components.core import Machine
from components.core.rates import Rates, measure

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel


class Shares(TypedDict):
    """Parts of the limit that work reached (`share`); neither where the limit is not measured."""

    share: NotRequired[float]
    processor_share: NotRequired[float]


class Figure(Shares):
    """Ours beside a peer's in the same run: a figure of `bench.json`."""

    value: float
    unit: str
    against: float
    ratio: float


def machine() -> Machine:
    """This machine; its GPU where torch finds one, for both sides of a pair."""
    import torch

    return Machine(device="cuda" if torch.cuda.is_available() else "cpu")


@cache
def rates() -> Rates:
    """What a thread of this processor computes, measured in this run."""
    return measure()


def dtype() -> str:
    """What a run takes on this machine: bfloat16 on a GPU, on a CPU the faster one."""
    return "bfloat16" if machine().device == "cuda" else rates().choice("smollm2-135m")[0]


class Linear:
    """Weights in the linear layers of a plain stack, by its configuration: of one layer, and of the head."""

    def __init__(self, config: "PreTrainedConfig") -> None:
        self.layers, hidden = config.num_hidden_layers, config.hidden_size
        size = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
        heads = config.num_attention_heads + config.num_key_value_heads
        self.layer = 2 * hidden * heads * size + 3 * hidden * config.intermediate_size
        self.head = hidden * config.vocab_size


class Work:
    """Operations in linear layers of `model`'s forward passes while it is watched, 2 a weight and real token (no padding);
    the head's at the positions that it is asked for. `seconds`, `processor_seconds`: of the block."""

    def __init__(self) -> None:
        self.operations, self.seconds, self.processor_seconds = 0.0, 0.0, 0.0


@contextmanager
def watched(model: "PreTrainedModel") -> Iterator[Work]:
    """Count what the causal LM `model` computes in this block."""
    work, linear = Work(), Linear(model.config)
    pad = model.config.pad_token_id or 0

    def body(_: object, given: object, named: "dict[str, torch.Tensor]") -> None:
        real = int((named["input_ids"] != pad).sum())
        work.operations += 2 * real * linear.layer * linear.layers

    def head(_: object, given: "tuple[torch.Tensor, ...]") -> None:
        work.operations += 2 * given[0].numel() / given[0].shape[-1] * linear.head

    hooks = [
        model.base_model.register_forward_pre_hook(body, with_kwargs=True),
        model.get_output_embeddings().register_forward_pre_hook(head),
    ]
    started, used = time.perf_counter(), time.process_time()
    try:
        yield work
    finally:
        work.seconds, work.processor_seconds = time.perf_counter() - started, time.process_time() - used
        for hook in hooks:
            hook.remove()


def share(operations: float, seconds: float, processor_seconds: float, dtype: str) -> Shares:
    """Parts of the limit that work reached: by the clock, of all threads; and of the processor seconds that it took, which
    is what can be said beside other work. Empty on a GPU, whose limit is not measured."""
    if machine().device == "cuda":
        return {}
    limit = rates().gigaflops["smollm2-135m"][dtype] * 1e9
    return {
        "share": round(operations / (limit * seconds * machine().threads), 3),
        "processor_share": round(operations / (limit * processor_seconds), 3),
    }
