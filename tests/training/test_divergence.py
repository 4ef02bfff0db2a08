"""A training that diverged ends within ten steps; one that is only noisy never does."""

import json
import math
import random
from pathlib import Path

import pytest

from components.core import plotting
from components.core.code import ROOT
from components.training.divergence import FAR, WINDOW, Diverged, Divergence
from tests.training.test_techniques import base, train, world  # noqa: F401


def ended(losses: list[float]) -> int | None:
    """The step by which a training with these losses ends; None where it does not."""
    watched = Divergence()
    for step, loss in enumerate(losses, 1):
        try:
            watched.look(step, len(losses), {"loss": loss, "learning_rate": 1e-3})
        except Diverged:
            return step
    return None


def noisy(seed: int, start: float, steps: int = 300) -> list[float]:
    """Losses of a training that goes well in batches that differ much: half of them by more than a quarter."""
    draw = random.Random(seed)
    return [(0.3 + (start - 0.3) * math.exp(-step / 80)) * math.exp(draw.gauss(0, 0.4)) for step in range(steps)]


@pytest.mark.parametrize("start", [0.5, 2.0, 4.0])
def test_noise_ends_no_training(start: float) -> None:
    assert [seed for seed in range(100) if ended(noisy(seed, start)) is not None] == []


def test_the_trainings_behind_the_committed_cards_would_have_gone_on() -> None:
    kept = [
        one["losses"]
        for path in sorted((ROOT / "model_cards").glob("*/*.record.json"))
        for step in json.loads(path.read_text(encoding="utf-8"))["measured"].values()
        for name, one in step.items()
        if name.startswith("training") and one.get("losses")
    ]
    assert kept
    assert [ended(losses) for losses in kept] == [None] * len(kept)


@pytest.mark.parametrize("at", [2, 5, 9, 40, 150])
def test_a_loss_that_stays_high_ends_the_training_within_ten_steps(at: int) -> None:
    well = noisy(0, 3.0)
    high = [max(well[:5]) + FAR + 1.5 + 0.5 * math.sin(step) for step in range(100)]
    step = ended([3.0, *well[1 : at - 1], *high])
    assert step is not None
    assert at <= step < at + 10
    spikes = [loss + (20 if i % 3 == 2 else 0) for i, loss in enumerate(well)]
    assert ended([3.0, *spikes[1:]]) is None, "the training comes back from each"


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["loss", "grad_norm"])
def test_a_figure_that_is_no_number_ends_it_at_once(name: str, wrong: float) -> None:
    watched = Divergence()
    watched.look(1, 9, {"loss": 2.0, "grad_norm": 1.0})
    with pytest.raises(Diverged, match=r"step 2 of 9.*no finite number"):
        watched.look(2, 9, {"loss": 2.0, "grad_norm": 1.0, name: wrong})


def test_a_planted_divergence_ends_the_real_training(base: Path, tmp_path: Path) -> None:  # noqa: F811
    losses: list[float] = []
    with (
        pytest.raises(Diverged, match=r"diverged by step \d+ of 60 at learning rate 0\.\d+: the median loss") as found,
        plotting(lambda what, step, figures: losses.append(figures["loss"])),
    ):
        train("full", base, tmp_path, learning_rate=1.0, epochs=20)
    first = next(step for step, loss in enumerate(losses, 1) if loss > losses[0] + FAR)
    assert first < len(losses) < first + 10
    assert len(losses) >= WINDOW
    assert found.value.exit_code == 2
    with pytest.raises(Diverged):  # and again, from the checkpoint that it left
        train("full", base, tmp_path, learning_rate=1.0, epochs=20)


def test_weights_that_are_no_numbers_end_it_in_the_first_steps(base: Path, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(Diverged, match=r"by step [23] of 60.*no finite number"):
        train("lora", base, tmp_path, learning_rate=1e30, epochs=20)
