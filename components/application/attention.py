"""Causal attention in blocks of queries, forward and backward, by plain batched products.

torch's fused kernel for CPUs is made for memory: it computes the scores again in its backward pass, and takes a query's
heads one by one. Prompts here are short (some 350 tokens), so the probabilities are kept, heads that share keys and values
are one product, and a block of queries meets only the keys before its end. A layer of SmolLM2-135M, 8 rows of 352 tokens in
bf16 on one core, in four blocks: forward 38 ms by the fused kernel and 21 ms so, forward and backward 138 ms and 50 ms.
Results are equal within bf16's rounding. With a window (Beltagy et al. 2020, arXiv:2004.05150) a block meets the keys of
its window alone, and the time grows with the length, not with its square. Not covered: dropout.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "causal_blocks"
"""Under this name transformers' attention interface knows it."""

BLOCK = 64
"""Queries in a block."""


class _Context(Protocol):
    """What a forward pass leaves for its backward pass: torch's own class does not name all of it."""

    needs_input_grad: tuple[bool, ...]
    window: int | None
    saved_tensors: tuple[torch.Tensor, ...]

    def save_for_backward(self, *tensors: torch.Tensor) -> None: ...


class _CausalBlocks(torch.autograd.Function):
    """q (scaled already): [rows, heads, length, size]; k, v: [rows, key heads, past + length, size] → as q.

    mask:   [rows, 1, length, past + length], true where a key is seen; None: every key up to the query's own
    window: keys that a query meets, its own and those before it; None: all of them
    """

    @staticmethod
    def forward(
        ctx: _Context, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, window: int | None
    ) -> torch.Tensor:
        rows, heads, length, size = q.shape
        shared, past = rows * k.shape[1], k.shape[2] - length
        q, k, v = q.reshape(shared, -1, length, size), k.reshape(shared, -1, size), v.reshape(shared, -1, size)
        hidden = None if mask is None else ~mask
        future = torch.ones(BLOCK, BLOCK, dtype=torch.bool, device=q.device).triu(1)
        keeps = any(ctx.needs_input_grad)
        lowest = torch.finfo(q.dtype).min  # not -inf: a padded query sees no key at all, and must not become NaN
        out = torch.empty_like(q)
        probabilities = []
        for start, end in _blocks(length):
            count, first, seen = end - start, _first(past + start, window), past + end
            scores = torch.bmm(_flat(q, start, end), k[:, first:seen].transpose(1, 2))
            if hidden is None:
                scores.view(shared, -1, count, seen - first)[..., -count:].masked_fill_(future[:count, :count], lowest)
            else:
                scores.view(rows, heads, count, seen - first).masked_fill_(hidden[:, :, start:end, first:seen], lowest)
            if window:
                distance = torch.arange(past + start, seen, device=q.device)[:, None] - torch.arange(
                    first, seen, device=q.device
                )
                scores.view(shared, -1, count, seen - first).masked_fill_(distance >= window, lowest)
            chances = torch.softmax(scores, -1)
            out[:, :, start:end] = torch.bmm(chances, v[:, first:seen]).view(shared, -1, count, size)
            if keeps:  # of a long prompt they are the most that a layer would hold
                probabilities.append(chances)
        if keeps:
            ctx.save_for_backward(q, k, v, *probabilities)
        ctx.window = window
        return out.view(rows, heads, length, size)

    @staticmethod
    def backward(ctx: _Context, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None, None]:
        q, k, v, *probabilities = ctx.saved_tensors
        rows, heads, length, size = grads[0].shape
        past = k.shape[1] - length
        grad = grads[0].reshape(q.shape)
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (start, end), chances in zip(_blocks(length), probabilities, strict=True):
            out, met = _flat(grad, start, end), slice(_first(past + start, ctx.window), past + end)
            grad_v[:, met] += torch.bmm(chances.transpose(1, 2), out)
            scores = torch._softmax_backward_data(torch.bmm(out, v[:, met].transpose(1, 2)), chances, -1, q.dtype)
            grad_q[:, :, start:end] = torch.bmm(scores, k[:, met]).view(len(q), -1, end - start, size)
            grad_k[:, met] += torch.bmm(scores.transpose(1, 2), _flat(q, start, end))
        keys = (rows, -1, past + length, size)
        return grad_q.view(rows, heads, length, size), grad_k.view(keys), grad_v.view(keys), None, None


def causal_blocks(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    window: int | None = None,
    **given: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' attention interface. Returns ([rows, length, heads, size], no weights). One query is torch's own."""
    if query.shape[2] == 1:
        if window:
            key, value = key[:, :, -window:], value[:, :, -window:]
            attention_mask = None if attention_mask is None else attention_mask[..., -window:]
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **given)
    return _CausalBlocks.apply(query * scaling, key, value, attention_mask, window).transpose(1, 2), None


def block_mask(
    *,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    attention_mask: torch.Tensor | None = None,
    **given: Any,
) -> torch.Tensor | None:
    """transformers' mask interface. None where no key up to a query's own is hidden, also after earlier keys: transformers'
    own function makes a mask of all pairs there, whose use is a fifth of the attention's time."""
    shown = attention_mask is None or bool(attention_mask.all())
    if shown and given.get("allow_is_causal_skip", True) and q_length + q_offset == kv_length + kv_offset:
        return None
    return sdpa_mask(
        q_length=q_length,
        kv_length=kv_length,
        q_offset=q_offset,
        kv_offset=kv_offset,
        attention_mask=attention_mask,
        **given,
    )


def attend_in_blocks(model: "PreTrainedModel", window: int | None = None) -> None:
    """Let the causal LM `model` compute its attention as above: on a CPU where its layers are plain ones, and wherever a
    `window` is asked for (application/context.py says of which models it may be)."""
    if window:
        name = f"{NAME}_{window}"
        AttentionInterface.register(name, partial(causal_blocks, window=window))
        AttentionMaskInterface.register(name, block_mask)
        model.set_attn_implementation(name)
        return
    plain = set(getattr(model.config, "layer_types", None) or ["full_attention"]) == {"full_attention"}
    if model.device.type == "cpu" and plain and not getattr(model.config, "sliding_window", None):
        AttentionInterface.register(NAME, causal_blocks)
        AttentionMaskInterface.register(NAME, block_mask)
        model.set_attn_implementation(NAME)


def _blocks(length: int) -> list[tuple[int, int]]:
    return [(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK)]


def _first(query: int, window: int | None) -> int:
    """The first key that the query at that place meets."""
    return max(0, query - window + 1) if window else 0


def _flat(tensor: torch.Tensor, start: int, end: int) -> torch.Tensor:
    """A block of queries of all heads that share keys: [shared, group, length, size] → [shared, group · block, size]."""
    return tensor[:, :, start:end].reshape(len(tensor), -1, tensor.shape[-1])
