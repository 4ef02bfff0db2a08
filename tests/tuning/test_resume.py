"""A training run that is killed goes on from its newest whole checkpoint and ends with the same adapter."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.application import checkpoint
from components.core import Machine, file_digest
from components.tuning.checkpoints import newest_whole
from components.tuning.examples import Example
from components.tuning.train import fine_tune
from tests.tuning.small import CONFIG, new_step

EXAMPLES = [Example(tuple(range(5 + i, 25 + 2 * i)), 15 + i) for i in range(12)]
SETTINGS = CONFIG.model_copy(update={"epochs": 4})

KILLED = """
import sys, time
from pathlib import Path
from components.core import Machine
from components.tuning import train
from tests.tuning.test_resume import EXAMPLES, SETTINGS
step = train.Watch.on_step_end
def slow(self, *given, **more):
    step(self, *given, **more)
    time.sleep(0.3)
train.Watch.on_step_end = slow
train.fine_tune(SETTINGS, Path(sys.argv[1]), EXAMPLES, Path(sys.argv[2]), Machine(threads=1))
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    step = new_step(tmp_path_factory.mktemp("resume"))
    return step.store.path(checkpoint("made:two-layer", "two-layer", "apache-2.0", step).object)


@pytest.fixture(scope="module")
def unbroken(base, tmp_path_factory):
    out = fine_tune(SETTINGS, base, EXAMPLES, tmp_path_factory.mktemp("unbroken"), Machine(threads=1))
    return file_digest(out["folder"] / "adapter_model.safetensors")


def test_killed_training_resumes_to_the_same_adapter(base, unbroken, tmp_path):
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(base), str(tmp_path)], cwd=root)
    try:
        until = time.monotonic() + 120
        while newest_whole(tmp_path / "checkpoints") is None:
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    out = fine_tune(SETTINGS, base, EXAMPLES, tmp_path, Machine(threads=1))
    assert out["resumed"]
    assert len(out["losses"]) == 12
    assert file_digest(out["folder"] / "adapter_model.safetensors") == unbroken


def test_torn_checkpoint_is_passed_over_for_the_one_before(base, unbroken, tmp_path):
    fine_tune(SETTINGS, base, EXAMPLES, tmp_path, Machine(threads=1))
    *_, before, newest = sorted((tmp_path / "checkpoints").glob("step-*"))
    torn = newest / "optimizer.safetensors"
    torn.write_bytes(torn.read_bytes()[:-100])
    assert newest_whole(tmp_path / "checkpoints") == before
    out = fine_tune(SETTINGS, base, EXAMPLES, tmp_path, Machine(threads=1))
    assert file_digest(out["folder"] / "adapter_model.safetensors") == unbroken


def test_checkpoints_hold_no_pickle(base, tmp_path):
    fine_tune(SETTINGS, base, EXAMPLES, tmp_path, Machine(threads=1))
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes == {".safetensors", ".json"}


def test_training_lowers_the_loss(base, tmp_path):
    eager = SETTINGS.model_copy(update={"epochs": 20, "learning_rate": 0.01})
    losses = fine_tune(eager, base, EXAMPLES, tmp_path, Machine(threads=1))["losses"]
    assert sum(losses[-3:]) < 0.9 * sum(losses[:3])
