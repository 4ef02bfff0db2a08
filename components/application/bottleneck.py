"""Bottleneck adapters in a model that runs (training/techniques/bottleneck.py makes them).

Our own code: PEFT has none, and the library `adapters` needs transformers < 4.58. In a folder: `adapter_config.json`, whose
`peft_type` is BOTTLENECK, with the width, and weights named as PEFT names those of its own adapters.
Not covered: mixtures of experts, whose feed-forward part gives more than one tensor.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel

from components.core import BadInput

from .weights import BOTTLENECK as TYPE

__all__ = ["TYPE", "attach", "attached", "attach_saved"]

PREFIX = "base_model.model."


class Bottleneck(nn.Module):
    """y + up(relu(down(y))), where y: [..., hidden] is what the feed-forward part `inner` gives."""

    def __init__(self, inner: nn.Module, hidden: int, width: int) -> None:
        super().__init__()
        like = next(inner.parameters())
        self.inner = inner
        self.down = nn.Linear(hidden, width, device=like.device, dtype=like.dtype)
        self.up = nn.Linear(width, hidden, device=like.device, dtype=like.dtype)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.inner(x)
        return y + self.up(torch.relu(self.down(y)))


def attach(model: PreTrainedModel, layers: Iterable[int], width: int) -> None:
    """Put fresh adapters of `width` units on those layers of `model`. Raises BadInput where one has no part `mlp`."""
    for number in layers:
        layer = model.model.layers[number]
        if not hasattr(layer, "mlp"):
            raise BadInput(f"technique 'bottleneck' follows a layer's part 'mlp', and {type(layer).__name__} has none")
        layer.mlp = Bottleneck(layer.mlp, model.config.hidden_size, width)


def attached(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights of the adapters on `model`, by their names in it."""
    adapters = {name: one for name, one in model.named_modules() if isinstance(one, Bottleneck)}
    return {
        f"{name}.{part}.{kind}": weight
        for name, one in adapters.items()
        for part, linear in (("down", one.down), ("up", one.up))
        for kind, weight in linear.named_parameters()
    }


def attach_saved(model: PreTrainedModel, folder: Path) -> None:
    """Put the adapters in `folder` on `model`, the whole model."""
    from safetensors.torch import load_file

    saved = load_file(folder / "adapter_model.safetensors")
    names = {name.removeprefix(PREFIX): value for name, value in saved.items()}
    layers = sorted({int(name.split(".")[2]) for name in names})
    attach(model, layers, int(json.loads((folder / "adapter_config.json").read_text())["width"]))
    own = attached(model)
    assert own.keys() == names.keys(), "the adapter's weights are not those of its configuration"
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(names[name])
