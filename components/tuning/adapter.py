"""LoRA adapters: made on the top layers, saved as a PEFT folder for the whole model, loaded again to go on training."""

import json
import shutil
from pathlib import Path
from typing import Any

from components.core import BadInput

PREFIX = "base_model.model.model.layers."


def with_lora(half: Any, rank: int, alpha: int, modules: tuple[str, ...], seed: int) -> Any:
    """`half` (layers.split) wrapped by PEFT with fresh LoRA weights (Hu et al. 2021) in the model's own dtype.

    Raises BadInput when the model has none of `modules`.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=list(modules), bias="none", task_type="CAUSAL_LM"
    )
    try:
        return get_peft_model(half, config, autocast_adapter_dtype=False)
    except ValueError as error:
        raise BadInput(f"section 'tuning', key 'modules': {', '.join(modules)}: {error}") from error


def with_saved(half: Any, folder: Path, seed: int) -> Any:
    """`half` wrapped by PEFT with the adapter in `folder`, whose layers are numbered as in the whole model."""
    import torch
    from safetensors.torch import load_file

    saved = json.loads((folder / "adapter_config.json").read_text())
    model = with_lora(half, saved["r"], saved["lora_alpha"], tuple(sorted(saved["target_modules"])), seed)
    first = min(saved["layers_to_transform"])
    weights = {_moved(name, -first): value for name, value in load_file(folder / "adapter_model.safetensors").items()}
    live = {name.replace(".default.", "."): p for name, p in model.named_parameters() if p.requires_grad}
    assert weights.keys() == live.keys(), "the adapter's weights are not those of its configuration"
    with torch.no_grad():
        for name, parameter in live.items():
            parameter.copy_(weights[name])
    return model


def layers_of(folder: Path) -> int:
    """On how many top layers the adapter in `folder` works."""
    return len(json.loads((folder / "adapter_config.json").read_text())["layers_to_transform"])


def save_adapter(model: Any, folder: Path, total_layers: int) -> Path:
    """Write `model`'s LoRA weights to `folder` as PEFT reads them for the whole model of `total_layers`. Returns `folder`.

    Equal weights give equal bytes: keys are sorted and nothing of this machine is in the configuration.
    """
    from safetensors.torch import save_file

    config = model.peft_config["default"]
    top = model.get_base_model().config.num_hidden_layers
    weights = {
        _moved(name.replace(".default.", "."), total_layers - top): p.detach().cpu().contiguous()
        for name, p in model.named_parameters()
        if p.requires_grad and ".default." in name
    }
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run half wrote would be part of the object
    folder.mkdir(parents=True)
    save_file(dict(sorted(weights.items())), folder / "adapter_model.safetensors", metadata={"format": "pt"})
    content = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "inference_mode": True,
        "bias": "none",
        "r": config.r,
        "lora_alpha": config.lora_alpha,
        "lora_dropout": 0.0,
        "fan_in_fan_out": False,
        "target_modules": sorted(config.target_modules),
        "layers_to_transform": list(range(total_layers - top, total_layers)),
        "layers_pattern": "layers",
    }
    (folder / "adapter_config.json").write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    return folder


def _moved(name: str, by: int) -> str:
    assert name.startswith(PREFIX), f"unexpected adapter weight {name}"
    number, _, rest = name.removeprefix(PREFIX).partition(".")
    return f"{PREFIX}{int(number) + by}.{rest}"
