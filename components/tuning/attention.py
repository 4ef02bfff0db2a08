"""Causal attention in blocks of queries, forward and backward, by plain batched products.

torch's fused kernel for CPUs is made for memory: it computes the scores again in its backward pass, and takes a query's
heads one by one. Rows here are short (some 350 tokens), so the probabilities are kept, heads that share keys and values are
one product, and a block of queries meets only the keys before its end. Forward and backward of a layer of SmolLM2-135M, 8
rows of 352 tokens in bf16 on one core: 138 ms by the fused kernel, 50 ms so. Gradients are equal within bf16's rounding.
Not covered: attention masks (rows are right-padded, see answer_head.py), dropout, sliding windows, other devices than CPUs.
"""

from typing import Any

import torch
from transformers import AttentionInterface

NAME = "causal_blocks"
"""Under this name transformers' attention interface knows it."""

BLOCK = 64
"""Queries in a block."""


class _CausalBlocks(torch.autograd.Function):
    """q (scaled already): [rows, heads, length, size]; k, v: [rows, key heads, length, size] → as q."""

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> Any:
        rows, heads, length, size = q.shape
        shared = rows * k.shape[1]
        q, k, v = q.reshape(shared, -1, length, size), k.reshape(shared, length, size), v.reshape(shared, length, size)
        group = q.shape[1]
        future = torch.full((BLOCK, BLOCK), float("-inf"), dtype=q.dtype).triu(1)
        out = torch.empty_like(q)
        kept = []
        for start, end in _blocks(length):
            count = end - start
            scores = torch.bmm(_flat(q, start, end), k[:, :end].transpose(1, 2)).view(shared, group, count, end)
            scores[..., start:] += future[:count, :count]
            chances = torch.softmax(scores, -1).view(shared, group * count, end)
            out[:, :, start:end] = torch.bmm(chances, v[:, :end]).view(shared, group, count, size)
            kept.append(chances)
        ctx.save_for_backward(q, k, v, *kept)
        return out.view(rows, heads, length, size)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        q, k, v, *kept = ctx.saved_tensors
        (rows, heads, length, size), group = grads[0].shape, q.shape[1]
        grad = grads[0].reshape(q.shape)
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (start, end), chances in zip(_blocks(length), kept, strict=True):
            out = _flat(grad, start, end)
            grad_v[:, :end] += torch.bmm(chances.transpose(1, 2), out)
            scores = torch._softmax_backward_data(torch.bmm(out, v[:, :end].transpose(1, 2)), chances, -1, q.dtype)
            grad_q[:, :, start:end] = torch.bmm(scores, k[:, :end]).view(len(q), group, end - start, size)
            grad_k[:, :end] += torch.bmm(scores.transpose(1, 2), _flat(q, start, end))
        keys = (rows, -1, length, size)
        return grad_q.view(rows, heads, length, size), grad_k.view(keys), grad_v.view(keys)


def causal_blocks(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: None, scaling: float, **given: Any
) -> tuple[torch.Tensor, None]:
    """transformers' attention interface. Returns ([rows, length, heads, size], no weights)."""
    assert mask is None, "training rows are right-padded: the causal order alone hides the padding"
    return _CausalBlocks.apply(query * scaling, key, value).transpose(1, 2), None


def attend_in_blocks(model: Any) -> None:
    """Let `model`, on a CPU, compute its attention as above, where its layers are plain causal ones."""
    plain = set(getattr(model.config, "layer_types", None) or ["full_attention"]) == {"full_attention"}
    if model.device.type == "cpu" and plain and not getattr(model.config, "sliding_window", None):
        AttentionInterface.register(NAME, causal_blocks)
        model.set_attn_implementation(NAME)


def _blocks(length: int) -> list[tuple[int, int]]:
    return [(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK)]


def _flat(tensor: torch.Tensor, start: int, end: int) -> torch.Tensor:
    """A block of queries of all heads that share keys: [shared, group, length, size] → [shared, group · block, size]."""
    return tensor[:, :, start:end].reshape(len(tensor), -1, tensor.shape[-1])
