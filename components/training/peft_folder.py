"""Adapters as PEFT reads them for the whole model, from a model of its top layers alone.

The layers of `layers.split` are numbered from 0; in the file they have the numbers of the whole model. Equal weights give
equal bytes: keys are sorted, and nothing of this machine is in the configuration.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

PREFIX = "base_model.model.model.layers."
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def live(model: "torch.nn.Module") -> "dict[str, torch.nn.Parameter]":
    """The adapter's trainable weights; TRL's reference copy of them has another name than `default`."""
    named = model.named_parameters()
    return {name: one for name, one in named if one.requires_grad and "default" in name.split(".")}


def save(
    model: "PreTrainedModel | PeftModel",
    folder: Path,
    layers: int,
    content: Mapping[str, object],
    weights: "Mapping[str, torch.Tensor] | None" = None,
) -> None:
    """Write `content`, PEFT's configuration, and `weights` (None: the live ones) for a whole model of `layers` layers."""
    first = layers - layers_of(model)
    named = (live(model) if weights is None else weights).items()
    write(folder, {_moved(_plain(name), first): one for name, one in named}, content)


def write(folder: Path, weights: "Mapping[str, torch.Tensor]", content: Mapping[str, object]) -> None:
    """Write `weights`, by the names that PEFT gives them, and `content`, its configuration."""
    from safetensors.torch import save_file

    kept = {name: weights[name].detach().cpu().contiguous() for name in sorted(weights)}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})
    given = {"task_type": "CAUSAL_LM", "base_model_name_or_path": None, "inference_mode": True, **content}
    (folder / CONFIG).write_text(json.dumps(given, indent=2, sort_keys=True) + "\n")


def restore(model: "torch.nn.Module", folder: Path, weights: "Mapping[str, torch.Tensor] | None" = None) -> None:
    """Give `weights` (None: the live ones of `model`) the values that `save` wrote."""
    import torch
    from safetensors.torch import load_file

    saved = load_file(folder / WEIGHTS)
    first = min(int(name.removeprefix(PREFIX).partition(".")[0]) for name in saved)
    values = {_moved(name, -first): value for name, value in saved.items()}
    own = {_plain(name): one for name, one in (live(model) if weights is None else weights).items()}
    assert values.keys() == own.keys(), "the adapter's weights are not those of its configuration"
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(values[name])


def config(folder: Path) -> Any:
    """PEFT's configuration in `folder`, as the technique saved it: JSON, so the caller names its shape."""
    return json.loads((folder / CONFIG).read_text())


def layers_of(model: "PreTrainedModel | PeftModel") -> int:
    """How many layers `model` has."""
    return int(model.config.num_hidden_layers)


def top_layers(folder: Path) -> int:
    """On how many top layers the adapter in `folder` works."""
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS, framework="pt") as file:
        return len({name.removeprefix(PREFIX).partition(".")[0] for name in file.keys()})  # noqa: SIM118 it is no dict


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != "default")


def _moved(name: str, by: int) -> str:
    assert name.startswith(PREFIX), f"unexpected adapter weight {name}"
    return renumbered(name, by)


def renumbered(name: str, by: int) -> str:
    """The name of a weight of layer n as that of layer n + `by`; one that is of no layer stays."""
    return re.sub(r"(?<=model\.layers\.)\d+", lambda number: str(int(number[0]) + by), name)
