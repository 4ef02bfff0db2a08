"""Checkpoints of a training run that survive `kill -9`, without pickle.

The Trainer's own checkpoints go through torch.save (pickle) and are written in place. Here: weights, moments and fp32 copies
as safetensors, the schedule and the step as JSON, a manifest of SHA-256 last, all in a temporary folder that is renamed.
Two are kept: one whose files do not match their manifest is passed over for the one before.

Not covered: random state, since nothing random runs in a step (no dropout; the batches are listed up front).
"""

import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import file_digest, publish_json

from .optimizer import MasterAdamW

if TYPE_CHECKING:
    import torch
    from transformers import TrainerState

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
KEPT = 2


def newest_whole(folder: Path) -> Path | None:
    """The newest checkpoint in `folder` whose files are those of its manifest."""
    for path in sorted(folder.glob("step-*"), reverse=True):
        if _is_whole(path):
            return path
        logger.warning("checkpoint %s is torn; the one before it is used", path.name)
    return None


class ResumableTrainer:
    """Mixed in before a transformers Trainer: `save(folder)` and resuming in the form described above."""

    optimizer: "torch.optim.Optimizer | None"
    lr_scheduler: "torch.optim.lr_scheduler.LambdaLR | None"
    state: "TrainerState"

    def save(self, folder: Path) -> None:
        """Write a checkpoint of this moment (between two steps) under `folder`."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder, prefix=".building."))
        save_file(_masters(self).tensors(), building / "optimizer.safetensors")
        schedule = {name: value for name, value in _schedule(self).state_dict().items() if name != "lr_lambdas"}
        (building / "schedule.json").write_text(json.dumps(schedule))
        self.state.save_to_json(str(building / "trainer_state.json"))
        files = sorted(building.iterdir())
        for path in files:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        publish_json(building / MANIFEST, {path.name: file_digest(path) for path in files})
        target = folder / f"step-{self.state.global_step:06d}"
        shutil.rmtree(target, ignore_errors=True)
        os.rename(building, target)
        for old in sorted(folder.glob("step-*"))[:-KEPT]:
            shutil.rmtree(old)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: "torch.nn.Module | None" = None) -> None:
        """The weights come with the optimizer's fp32 copies."""

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        from safetensors.torch import load_file

        _masters(self).restore(load_file(Path(checkpoint) / "optimizer.safetensors"))
        schedule = json.loads((Path(checkpoint) / "schedule.json").read_text())
        _schedule(self).load_state_dict({**_schedule(self).state_dict(), **schedule})
        for group, rate in zip(_masters(self).param_groups, schedule["_last_lr"], strict=True):
            group["lr"] = rate  # torch leaves the rate of the next step to whoever restores the optimizer

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Nothing random runs in a step."""


def _masters(trainer: ResumableTrainer) -> MasterAdamW:
    own = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
    assert isinstance(own, MasterAdamW), "the loop gives every trainer its optimizer"
    return own


def _schedule(trainer: ResumableTrainer) -> "torch.optim.lr_scheduler.LambdaLR":
    assert trainer.lr_scheduler is not None, "the loop gives every trainer its schedule"
    return trainer.lr_scheduler


def _is_whole(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        return bool(manifest) and all(file_digest(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError):
        return False
