"""LoRA's kin compute what PEFT's own layers compute, and leave the base as it was."""

from pathlib import Path

import pytest
import torch

from components.application import checkpoint, merged
from components.core import Machine
from components.training.loop import load_base
from components.training.techniques import technique
from components.training.techniques.lora import adapted
from tests.tuning.small import new_step

ONE = Machine(threads=1)
IDS = torch.tensor([[5, 9, 30, 77, 12, 4]])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    step = new_step(tmp_path_factory.mktemp("kin"))
    return step.store.path(checkpoint("made:two-layer", "two-layer", "apache-2.0", step).object)


def wrapped(base: Path, name: str, **peft: object) -> torch.nn.Module:
    """The base under a technique, or (peft) under PEFT alone with those settings."""
    model, _ = load_base(base, ONE, "float32")
    way = technique(name)
    return adapted(model, way.Settings(), 0, **peft) if peft else way.wrap(model, way.Settings(), 0)


def moved(model: torch.nn.Module) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """(logits, gradients) with weights that were moved, by the same noise for equal names."""
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _, weight in sorted(technique("lora").live(model).items()):
            weight += 0.02 * torch.randn(weight.shape, generator=noise)
    logits = model(input_ids=IDS).logits
    logits.square().mean().backward()
    return logits.detach(), {name: weight.grad for name, weight in technique("lora").live(model).items()}


@pytest.mark.parametrize(
    ("name", "peft"),
    [("dora", {"use_dora": True}), ("rslora", {"use_rslora": True}), ("pissa", {"init_lora_weights": "pissa_niter_16"})],
)
def test_outputs_and_gradients_are_those_of_peft(name: str, peft: dict[str, object], base: Path) -> None:
    here, gradients = moved(wrapped(base, name))
    there, wanted = moved(wrapped(base, name, **peft))
    assert torch.allclose(here, there, atol=1e-4 * float(there.abs().max()))
    assert gradients.keys() == wanted.keys()
    for weight, gradient in gradients.items():
        assert torch.allclose(gradient, wanted[weight], atol=1e-4 * float(wanted[weight].abs().max())), weight


def test_pissa_starts_from_parts_of_the_weights_and_leaves_the_base_as_it_was(base: Path, tmp_path: Path) -> None:
    model = wrapped(base, "pissa")
    plain, _ = load_base(base, ONE, "float32")
    kept = dict(plain.named_parameters())
    for name, weight in model.named_parameters():
        if "base_layer" in name:
            assert torch.equal(weight, kept[name.removeprefix("base_model.model.").replace(".base_layer", "")])
    assert all(bool(weight.any()) for weight in technique("pissa").live(model).values())
    technique("pissa").save(model, base, tmp_path, 2)
    served = merged(base, tmp_path, "float32").model
    assert torch.allclose(served(input_ids=IDS).logits, plain(input_ids=IDS).logits, atol=1e-4)
