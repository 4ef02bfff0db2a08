"""Every technique of the folder through the real thing: trained, killed, resumed to the same bytes, saved, served."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from components.application import load
from components.core import Candidate, Machine, MachineFault, Row, file_digest
from components.core.code import ROOT
from components.training import TECHNIQUES, Recipe, technique, tuned
from components.training.checkpoints import newest_whole
from components.training.examples import Example
from components.training.loop import prepare
from components.training.objectives import sft
from components.training.optimizer import MasterAdamW
from tests.tuning.small import new_step, small_candidate, small_dataset

EXAMPLES = [Example(tuple(range(5 + i, 25 + 2 * i)), 15 + i) for i in range(12)]
ONE = Machine(threads=1)


def recipe(name: str) -> Recipe:
    return Recipe(technique=name, epochs=4, layers=1, batch_rows=4, checkpoint_every=2)


KILLED = """
import sys, time
from pathlib import Path
from components.training import loop
from components.training.objectives import sft
from tests.training.test_techniques import EXAMPLES, ONE, recipe
step = loop.Watch.on_step_end
def slow(self, *given, **more):
    step(self, *given, **more)
    time.sleep(0.3)
loop.Watch.on_step_end = slow
sft.train(recipe(sys.argv[1]), sft.Settings(), Path(sys.argv[2]), EXAMPLES, Path(sys.argv[3]), ONE)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    step = new_step(tmp_path_factory.mktemp("techniques"))
    return step, small_candidate(small_dataset(step), step)


@pytest.fixture(scope="module")
def base(world) -> Path:
    step, candidate = world
    return step.store.path(candidate.model.object)


def train(name: str, base: Path, scratch: Path, **changed):
    return sft.train(recipe(name).model_copy(update=changed), sft.Settings(), base, EXAMPLES, scratch, ONE)


def weights(folder: Path) -> dict[str, str]:
    return {path.name: file_digest(path) for path in sorted(folder.iterdir())}


def defines_what_the_folder_asks(name: str) -> None:
    """What `techniques/__init__` says that a file must define."""
    way = technique(name)
    assert way.PRODUCT in ("adapter", "weights"), f"techniques/{name}.py: PRODUCT is neither"


def gradients_are_above_zero(name: str, base: Path) -> None:
    """Some gradient of every trained layer's weights, after one backward pass."""
    ready = prepare(recipe(name), base, None, ONE)
    live = technique(name).live(ready.model)
    assert live, f"techniques/{name}.py trains nothing"
    others = [p for p in ready.model.parameters() if p.requires_grad and not any(p is one for one in live.values())]
    assert others == [], "what it does not list is frozen"
    ids = torch.tensor([EXAMPLES[0].ids])
    ready.body.model(input_ids=ids, use_cache=False).last_hidden_state.float().square().sum().backward()
    moved = sum(bool(one.grad is not None and one.grad.abs().sum() > 0) for one in live.values())
    assert moved >= len(live) / 2, f"techniques/{name}.py: {moved} of {len(live)} weights have a gradient"


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_defines_what_the_folder_asks_and_has_gradients(name: str, base: Path) -> None:
    defines_what_the_folder_asks(name)
    gradients_are_above_zero(name, base)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_killed_training_resumes_to_the_same_bytes(name: str, base: Path, tmp_path: Path) -> None:
    unbroken = train(name, base, tmp_path / "unbroken")
    scratch = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", KILLED, name, str(base), str(scratch)], cwd=ROOT)
    try:
        until = time.monotonic() + 120
        while newest_whole(scratch / "checkpoints") is None:
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    resumed = train(name, base, scratch)
    assert (unbroken.resumed, resumed.resumed) == (False, True)
    assert len(resumed.losses) == 12
    assert weights(resumed.folder) == weights(unbroken.folder)
    own = sum(one.numel() for one in technique(name).live(prepare(recipe(name), base, None, ONE).model).values())
    there = sum(value.numel() for value in load_file(base / "model.safetensors").values())
    assert resumed.share == pytest.approx(own / (there + (own if technique(name).PRODUCT == "adapter" else 0)))
    assert {path.suffix for path in (scratch / "checkpoints").rglob("*") if path.is_file()} == {".safetensors", ".json"}


@pytest.mark.parametrize("name", TECHNIQUES)
def test_what_was_trained_is_served_with_equal_answers(name: str, world, base: Path, tmp_path: Path) -> None:
    """The model as it was trained and the Candidate as it is loaded give each answer token the same probability."""
    step, candidate = world
    trained = train(name, base, tmp_path, epochs=20, learning_rate=0.01)
    assert sum(trained.losses[-3:]) < sum(trained.losses[:3]), "it learns"
    way, exact = technique(name), recipe(name)
    folder = shutil.copytree(trained.folder, tmp_path / "copy")
    served: Candidate = tuned(candidate, exact, "sft", trained, step.store)
    if way.PRODUCT == "adapter":
        ready = prepare(exact, base, folder, ONE)
        assert (served.adapter.technique, served.adapter.objective, served.trained) == (name, "sft", True)
    else:
        ready = prepare(exact, folder, None, ONE)
        assert (served.model.derived_from.technique, served.base.model) == (name, candidate.model)
    ids = torch.tensor([EXAMPLES[3].ids])
    with load(served.model_copy(update={"retriever": None}), step.store, ONE) as application, torch.no_grad():
        there = application.engine.model(input_ids=ids).logits.float()
        states = ready.body.model(input_ids=ids, use_cache=False).last_hidden_state
        here = ready.whole.lm_head(states).float()
        apart = getattr(way, "LOSS_APART", 0.0)
        if not apart:
            assert torch.allclose(there, here, atol=1e-4 * float(there.abs().max()))
        assert abs(answers_loss(there, ids) - answers_loss(here, ids)) <= apart + 1e-4
        assert application.answer([Row(id="1", text="who opened it", answer="")])[0].text is not None


def answers_loss(logits: torch.Tensor, ids: torch.Tensor) -> float:
    """Mean negative log-likelihood of the answer's tokens, nats."""
    start = EXAMPLES[3].start
    return float(torch.nn.functional.cross_entropy(logits[0, start - 1 : -1], ids[0, start:]))


def test_a_file_that_defines_too_little_fails_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from components.training import techniques

    (tmp_path / "planted.py").write_text("LEARNING_RATE = 1.0\n")
    monkeypatch.setattr(techniques, "__path__", [str(tmp_path)])
    monkeypatch.setattr(techniques, "TECHNIQUES", ("planted",))
    with pytest.raises(AssertionError, match=r"techniques\.planted does not define Settings, WHOLE"):
        defines_what_the_folder_asks("planted")


def test_training_on_zero_gradients_is_refused() -> None:
    still = torch.nn.Parameter(torch.ones(3))
    still.grad = torch.zeros(3)
    with pytest.raises(MachineFault, match="every gradient of the first step is 0"):
        MasterAdamW([still], lr=0.1).step()


def test_an_unknown_technique_and_a_key_of_another_are_refused() -> None:
    from components.tuning import Config

    with pytest.raises(ValueError, match=f"tuning: technique 'dora2' is not known; allowed: {', '.join(TECHNIQUES)}"):
        Config(technique="dora2")
    with pytest.raises(ValueError, match=r"key 'rank' is not known; allowed here: batch_rows.*of technique 'ia3': inputs"):
        Config(technique="ia3", rank=4)
    assert Config(technique="lora", rank=4).own["rank"] == 4
