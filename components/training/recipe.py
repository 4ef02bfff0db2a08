"""What a training is asked for, and what it gives: the values that its callers and its objectives share."""

from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from components.core import Context, Frozen


class Schedule(Frozen):
    """How to train, whatever the rows: settings never follow the machine, so that equal ones give equal weights."""

    technique: str = "lora"
    """What is trained: a file of `training/techniques`. Its own settings stand beside these (lora: rank, alpha, modules)."""
    epochs: float = Field(3, gt=0)
    """Passes over the rows."""
    learning_rate: float | None = Field(None, gt=0)
    """At its highest; it warms up and then falls linearly. None: the technique's own."""
    layers: int = Field(20, ge=1)
    """Train this many top layers; those below are frozen and run once. A technique on the whole model ignores it."""
    batch_rows: int = Field(8, ge=1)
    """Rows in a batch."""
    checkpoint_every: int = Field(50, ge=0)
    """Steps between checkpoints; 0: none."""
    seed: int = 0
    """Of fresh weights and the order of rows."""


class Recipe(Schedule):
    """A schedule with the technique's own settings and the dtype of one training."""

    settings: dict[str, object] = {}
    """The technique's own; its defaults where they are not given."""
    dtype: str = "float32"
    """Of the weights while they are trained: that of the application that runs them."""
    context: Context | None = Field(None, exclude_if=lambda context: context is None)
    """How far that application reads: positions and attention are trained as they are served."""


class Trained(NamedTuple):
    """folder: what was trained, as its technique saves it. losses: one a step. tokens: real ones, trained on. share: of all
    weights, how much was trained."""

    folder: Path
    losses: list[float]
    tokens: int
    seconds: float
    prefix_seconds: float
    """Running the frozen layers once."""
    resumed: bool
    share: float

    @property
    def measured(self) -> dict[str, object]:
        """The figures that are sealed beside a step's result."""
        return {
            "seconds": round(self.seconds, 2),
            "frozen_layers_seconds": round(self.prefix_seconds, 2),
            "tokens": self.tokens,
            "tokens_per_second": round(self.tokens / max(1e-9, self.seconds + self.prefix_seconds), 1),
            "trained_share": float(f"{self.share:.3g}"),
            "losses": [round(loss, 4) for loss in self.losses],
            "resumed": self.resumed,
        }
