"""Every technique that leaves an adapter: aligned further from what it saved."""

import math
from pathlib import Path

import pytest

from components.training import TECHNIQUES, technique
from components.training.objectives import dpo
from tests.training.test_techniques import EXAMPLES, ONE, base, recipe, train, world

__all__ = ["base", "world"]

ADAPTERS = [name for name in TECHNIQUES if technique(name).PRODUCT == "adapter"]
PAIRS = [dpo.Pair(one.ids[: one.start], one.ids[one.start :], (7, 8, 9, 10 + i)) for i, one in enumerate(EXAMPLES)]


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_aligned_further_from_what_was_saved(name: str, base: Path, tmp_path: Path) -> None:
    """With the model before it as the reference, DPO's first loss is log 2 (Rafailov et al. 2023, eq. 7)."""
    first = train(name, base, tmp_path / "first", epochs=2)
    own = dpo.Settings(beta=0.1, likelihood=0.0)
    aligned = dpo.train(recipe(name), own, base, PAIRS, tmp_path / "aligned", ONE, start=first.folder)
    assert aligned.losses[0] == pytest.approx(math.log(2), abs=1e-3)
    assert aligned.losses[-1] < aligned.losses[0]
    assert {path.name for path in aligned.folder.iterdir()} == {path.name for path in first.folder.iterdir()}
