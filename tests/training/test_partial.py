"""Partial tuning changes what it says, and the checkpoint holds the base's weights everywhere else."""

from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.training.test_techniques import base, train, world

__all__ = ["base", "world"]


@pytest.mark.parametrize(
    ("parts", "changed"),
    [
        ("layers", lambda name, weight: name.startswith("model.layers.1.")),
        ("norms_and_biases", lambda name, weight: weight.ndim == 1 and not name.startswith("model.layers.0.")),
    ],
)
def test_those_parts_of_the_top_layers_change_and_nothing_else(parts, changed, base: Path, tmp_path: Path) -> None:
    trained = train("partial", base, tmp_path, settings={"parts": parts}, learning_rate=0.01)
    before, after = load_file(base / "model.safetensors"), load_file(trained.folder / "model.safetensors")
    assert before.keys() == after.keys()
    differs = {name for name in after if not after[name].equal(before[name].to(after[name].dtype))}
    assert differs == {name for name, weight in before.items() if changed(name, weight)}
    own = sum(before[name].numel() for name in differs)
    assert trained.share == pytest.approx(own / sum(weight.numel() for weight in before.values()))
