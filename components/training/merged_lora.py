"""LoRA's training step with one large product where PEFT makes a large and two small ones and two passes over the output.

Forward with the merged weight W + s·B·A (made anew each step: rank × in × out is nothing beside a batch); backward gives
the gradients of A and B by the chain rule through that sum (Hu et al. 2021, eq. 3). It trains on the very weights, rounded
alike, that the released application runs, which has the adapter merged.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import torch


class _Saved(Protocol):
    """torch's context of one call: what its forward pass leaves to its backward pass."""

    scale: float
    shape: torch.Size
    saved_tensors: tuple[torch.Tensor, ...]
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: torch.Tensor) -> None: ...


class Layer(Protocol):
    """What is used of PEFT's LoRA layer."""

    base_layer: torch.nn.Linear
    lora_A: Mapping[str, torch.nn.Linear]
    lora_B: Mapping[str, torch.nn.Linear]
    scaling: Mapping[str, float]
    active_adapters: list[str]


class _MergedLora(torch.autograd.Function):
    """y = x·(W + s·B·A)ᵀ. x: [..., in], W: [out, in] (frozen), A: [rank, in], B: [out, rank]."""

    @staticmethod
    def forward(
        ctx: _Saved, x: torch.Tensor, weight: torch.Tensor, a: torch.Tensor, b: torch.Tensor, scale: float
    ) -> torch.Tensor:
        merged = torch.addmm(weight, b, a, alpha=scale)
        rows = x.reshape(-1, x.shape[-1])
        ctx.save_for_backward(rows, merged, a, b)
        ctx.scale, ctx.shape = scale, x.shape
        return (rows @ merged.T).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: _Saved, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, merged, a, b = ctx.saved_tensors
        grad = grads[0].reshape(-1, grads[0].shape[-1])
        grad_a = ((grad @ b).T @ rows).mul_(ctx.scale)
        grad_b = (grad.T @ (rows @ a.T)).mul_(ctx.scale)
        grad_x = (grad @ merged).view(ctx.shape) if ctx.needs_input_grad[0] else None
        return grad_x, None, grad_a, grad_b, None


Forward = Callable[[Any, torch.Tensor], torch.Tensor]
"""What a layer makes of x: [..., in] → [..., out]; each says what it uses of PEFT's layer, a `Layer` with more."""


def halves(layer: Layer) -> tuple[torch.Tensor, torch.Tensor]:
    """(A, B) of the active adapter, in the dtype of W: TRL keeps its copy of the adapter, DPO's reference, in float32."""
    dtype, adapter = layer.base_layer.weight.dtype, layer.active_adapters[0]
    return layer.lora_A[adapter].weight.to(dtype), layer.lora_B[adapter].weight.to(dtype)


def product(layer: Layer, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """x·(W + s·B·A)ᵀ, without the layer's bias."""
    out: torch.Tensor = _MergedLora.apply(x, layer.base_layer.weight, a, b, layer.scaling[layer.active_adapters[0]])
    return out


def biased(layer: Layer, out: torch.Tensor) -> torch.Tensor:
    """`out` with the layer's bias, where it has one."""
    return out if layer.base_layer.bias is None else out + layer.base_layer.bias


def plain(layer: Layer, x: torch.Tensor) -> torch.Tensor:
    """LoRA's own forward."""
    return biased(layer, product(layer, x, *halves(layer)))


def lora_layers(model: torch.nn.Module) -> list[Any]:
    """PEFT's LoRA layers in `model`, in order."""
    from peft.tuners.lora import Linear

    return [module for module in model.modules() if isinstance(module, Linear)]


def merge_in_forward(model: torch.nn.Module, forward: Forward = plain) -> None:
    """Let every LoRA layer of the PEFT model `model` compute by `forward` while it is trained. Its weights stay PEFT's."""
    for layer in lora_layers(model):
        layer.forward = partial(forward, layer)
