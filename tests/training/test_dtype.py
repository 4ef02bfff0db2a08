"""Training follows the dtype of the Candidate: weights, adapter and what is saved of it."""

import pytest
import torch
from safetensors.torch import load_file

from components.application import checkpoint
from components.core import Machine
from components.training.loop import load_base
from components.training.optimizer import MasterAdamW
from tests.training.test_techniques import train
from tests.tuning.small import new_step


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    step = new_step(tmp_path_factory.mktemp("train"))
    return step.store.path(checkpoint("made:two-layer", "two-layer", "apache-2.0", step).object)


@pytest.mark.parametrize(("asked", "trained"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_weights_and_adapter_have_the_dtype_that_is_asked_for(base, tmp_path, asked, trained):
    model, _ = load_base(base, Machine(threads=1), asked)
    assert {p.dtype for p in model.parameters()} == {trained}
    saved = load_file(train("lora", base, tmp_path, dtype=asked).folder / "adapter_model.safetensors")
    assert {value.dtype for value in saved.values()} == {trained}
    assert any(value.any() for name, value in saved.items() if "lora_B" in name)


def test_float16_is_trained_in_float32(base):
    model, _ = load_base(base, Machine(threads=1), "float16")
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_float32_weights_are_stepped_themselves_and_others_as_copies():
    exact, rounded = (torch.nn.Parameter(torch.ones(3, dtype=dtype)) for dtype in (torch.float32, torch.bfloat16))
    optimizer = MasterAdamW([exact, rounded], lr=1e-4)
    assert optimizer.master[0] is exact
    for _ in range(3):
        for weight in (exact, rounded):
            weight.grad = torch.ones_like(weight)
        optimizer.step()
    assert torch.allclose(exact, torch.full((3,), 1 - 3e-4))
    assert torch.equal(optimizer.master[1], exact), "three small steps are not lost to bfloat16's rounding"
    assert torch.equal(rounded, exact.bfloat16())
