"""The same weights on a GPU and on the CPU: answers, likelihoods, training. Skipped where torch finds no GPU."""

from pathlib import Path

import pytest
import torch

from components.application import checkpoint, load
from components.core import Candidate, Machine, Prompt, PromptTurn, Row, Runtime, Step, Workspace
from components.evaluation.likelihoods import follow
from components.training import Recipe
from components.training.examples import Example

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU on this machine")
GPU, CPU = Machine(device="cuda"), Machine()
ROWS = [Row(id=f"{i}", text=f"Which town has {i} bridges and a fair of {i} days?", answer="") for i in range(1, 24, 3)]


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Step:
    workspace = Workspace(tmp_path_factory.mktemp("gpu"))
    return Step("gpu", workspace.store.scratch("gpu"), workspace, GPU)


@pytest.fixture(scope="module")
def candidate(step: Step) -> Candidate:
    turn = PromptTurn(system="You are the assistant of a help desk. Answer in a few words.", user="{{input}}")
    return Candidate(
        task="question_answering",
        runtime=Runtime(engine="transformers", dtype="float32"),
        model=checkpoint("made:two-layer", "two-layer", "apache-2.0", step),
        prompt=Prompt(method="zero_shot", turns=(turn,)),
    )


def test_answers_are_the_same(candidate: Candidate, step: Step) -> None:
    said = {}
    for machine in (GPU, CPU):
        with load(candidate, step.store, machine) as application:
            assert application.engine.model.device.type == machine.device
            said[machine.device] = [answer.text for answer in application.answer(ROWS)]
    assert said["cuda"] == said["cpu"]
    assert len(set(said["cpu"])) > 1


def test_endings_are_as_likely(candidate: Candidate, step: Step) -> None:
    start = tuple(range(100, 160))
    pairs = [((*start, i), (i + 1, i + 2)[: 1 + i % 2]) for i in range(40)]
    found = {}
    for machine in (GPU, CPU):
        with load(candidate, step.store, machine) as application:
            found[machine.device] = follow(application.engine, pairs)
    assert found["cuda"] == pytest.approx(found["cpu"], abs=1e-2)


def test_an_adapter_is_trained(candidate: Candidate, step: Step, tmp_path: Path) -> None:
    rows = [Example(tuple(range(100, 130)), 20)] * 8
    from components.training.objectives import sft

    recipe = Recipe(epochs=10, layers=1, batch_rows=4, checkpoint_every=0, learning_rate=0.02)
    made = sft.train(recipe, sft.Settings(), step.store.path(candidate.model.object), rows, tmp_path, GPU)
    assert made.losses[-1] < made.losses[0]
    assert (made.folder / "adapter_model.safetensors").is_file()
