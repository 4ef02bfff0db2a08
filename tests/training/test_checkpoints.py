"""A torn checkpoint is passed over for the one before it."""

from pathlib import Path

from components.training.checkpoints import newest_whole
from tests.training.test_techniques import base, train, weights, world  # noqa: F401 fixtures


def test_torn_checkpoint_is_passed_over_for_the_one_before(base: Path, tmp_path: Path) -> None:  # noqa: F811
    unbroken = weights(train("lora", base, tmp_path).folder)
    *_, before, newest = sorted((tmp_path / "checkpoints").glob("step-*"))
    torn = newest / "optimizer.safetensors"
    torn.write_bytes(torn.read_bytes()[:-100])
    assert newest_whole(tmp_path / "checkpoints") == before
    again = train("lora", base, tmp_path)
    assert again.resumed
    assert weights(again.folder) == unbroken
