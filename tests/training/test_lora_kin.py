"""LoRA's kin compute what PEFT's own layers compute, and leave the base as it was."""

import sys
from pathlib import Path

import pytest
import torch

from components.application import checkpoint, merged
from components.core import Machine, MissingPackage
from components.training.loop import load_base
from components.training.techniques import technique
from components.training.techniques.lora import adapted
from components.tuning import Config
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


def test_qlora_keeps_its_gradients_after_a_forward_without_any(base: Path) -> None:
    """bitsandbytes packs the weights of a layer in eval mode where the CPU has avx512_bf16, and a packed layer has none."""
    model = wrapped(base, "qlora")
    with torch.no_grad():
        model.eval()(input_ids=IDS)
    model.train()(input_ids=IDS).logits.square().mean().backward()
    lower = {name: one for name, one in technique("qlora").live(model).items() if "lora_B" in name}
    assert len(lower) == 2 * 7
    assert all(one.grad is not None and bool(one.grad.any()) for one in lower.values())


def test_qlora_holds_the_weights_of_its_layers_in_four_bits(base: Path) -> None:
    def size(model: torch.nn.Module) -> int:
        own = {name: one for name, one in model.named_parameters() if "proj" in name and "lora" not in name}
        return sum(one.numel() * one.element_size() for one in own.values())

    plain, _ = load_base(base, ONE, "bfloat16")
    assert size(wrapped(base, "qlora")) == size(plain) / 4


def test_qlora_without_its_package_is_refused_when_the_contract_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingPackage, match=r"technique 'qlora' needs .*'bitsandbytes'.* pip install bitsandbytes"):
        Config(technique="qlora")
