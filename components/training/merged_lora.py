"""LoRA's training step with one large product where PEFT makes a large and two small ones and two passes over the output.

Forward with the merged weight W + s·B·A (made anew each step: rank × in × out is nothing beside a batch); backward gives
the gradients of A and B by the chain rule through that sum (Hu et al. 2021, eq. 3). It trains on the very weights, rounded
alike, that the released application runs, which has the adapter merged.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch


class _Saved(Protocol):
    """torch's context of one call: what its forward pass leaves to its backward pass."""

    scale: float
    shape: torch.Size
    saved_tensors: tuple[torch.Tensor, ...]
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: torch.Tensor) -> None: ...


class _Layer(Protocol):
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


def merge_in_forward(model: torch.nn.Module) -> None:
    """Let every LoRA layer of the PEFT model `model` compute as above while it is trained. Its weights stay PEFT's."""
    from peft.tuners.lora import Linear

    layers: list[Any] = [module for module in model.modules() if isinstance(module, Linear)]
    for layer in layers:
        layer.forward = _forward(layer)


def _forward(module: _Layer) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        base, adapter = module.base_layer, module.active_adapters[0]
        # TRL keeps its copy of the adapter, DPO's reference, in fp32
        a, b = (half[adapter].weight.to(base.weight.dtype) for half in (module.lora_A, module.lora_B))
        out = _MergedLora.apply(x, base.weight, a, b, module.scaling[adapter])
        return out if base.bias is None else out + base.bias

    return forward
