"""AdamW that steps in float32 whatever the adapter is trained in: small updates are not lost to rounding, and no product is
cast. A bfloat16 adapter gets float32 copies; one in float32 is stepped itself.

PEFT's default (float32 adapters on bfloat16 weights) casts every activation to float32 before the small products.
"""

from collections.abc import Iterable

import torch

from components.core import MachineFault


class MasterAdamW(torch.optim.AdamW):
    """Steps float32 copies of `live` (a weight in float32 is its own) and writes them back in the dtype of `live`."""

    def __init__(self, live: Iterable[torch.nn.Parameter], lr: float, weight_decay: float = 0.0) -> None:
        self.live = list(live)
        self.master = [p if p.dtype == torch.float32 else torch.nn.Parameter(p.detach().float()) for p in self.live]
        self._moves = False
        super().__init__(self.master, lr=lr, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        copies = [(live, master) for live, master in zip(self.live, self.master, strict=True) if master is not live]
        for live, master in copies:
            master.grad = None if live.grad is None else live.grad.float()
        if not self._moves:  # a model that ran without gradients before may train on zeros, and no library says so
            self._moves = any(master.grad is not None and bool(master.grad.any()) for master in self.master)
            if not self._moves:
                raise MachineFault("training: every gradient of the first step is 0, so that nothing would be learned")
        super().step()
        for live, master in copies:
            live.copy_(master)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Float32 weights and moments by name: what a checkpoint holds."""
        tensors = {f"master.{i}": p.detach() for i, p in enumerate(self.master)}
        for i, p in enumerate(self.master):
            tensors |= {f"{name}.{i}": value for name, value in self.state.get(p, {}).items()}
        return {name: value.contiguous() for name, value in tensors.items()}

    @torch.no_grad()
    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take over what `tensors()` gave, and write the live weights."""
        for i, (live, master) in enumerate(zip(self.live, self.master, strict=True)):
            master.copy_(tensors[f"master.{i}"])
            live.copy_(master)
            self.state[master] = {
                name: tensors[f"{name}.{i}"].clone()
                for name in ("step", "exp_avg", "exp_avg_sq")
                if f"{name}.{i}" in tensors
            }
