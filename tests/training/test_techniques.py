"""Every technique of the folder through the real thing: trained, killed, resumed to the same bytes, saved, served."""

import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from components.application import load
from components.application.prompt import chat_ids
from components.core import Candidate, Machine, MachineFault, Row, file_digest
from components.training import LABEL_HEAD, TECHNIQUES, Recipe, technique, tuned
from components.training.answer_head import answer_head
from components.training.examples import Example
from components.training.loop import Ready, load_base, prepare
from components.training.objectives import dpo, sft
from components.training.optimizer import MasterAdamW
from components.training.pairs import Pair
from tests.training.killed import killed_after_a_checkpoint
from tests.tuning.small import new_step, small_candidate, small_dataset

NEW = 8
ASKED = [[{"role": "user", "content": text}] for text in ("who opened it", "when was the fair of Lima opened ?", "?")]
EXAMPLES = [Example(tuple(range(5 + i, 25 + 2 * i)), 15 + i) for i in range(12)]
ONE = Machine(threads=1)
STEPPED = [name for name in TECHNIQUES if technique(name).PRODUCT != LABEL_HEAD]
"""Those that are trained in steps; the others: test_label_heads.py."""


def recipe(name: str) -> Recipe:
    return Recipe(technique=name, epochs=4, layers=1, batch_rows=4, checkpoint_every=2)


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
    answer_head(ready.body)
    ready.model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward()
    moved = sum(bool(one.grad is not None and one.grad.abs().sum() > 0) for one in live.values())
    assert moved >= len(live) / 2, f"techniques/{name}.py: {moved} of {len(live)} weights have a gradient"


@pytest.mark.parametrize("name", STEPPED)
def test_a_technique_defines_what_the_folder_asks_and_has_gradients(name: str, base: Path) -> None:
    defines_what_the_folder_asks(name)
    gradients_are_above_zero(name, base)


@pytest.mark.parametrize("name", STEPPED)
def test_killed_training_resumes_to_the_same_bytes(name: str, base: Path, tmp_path: Path) -> None:
    unbroken = train(name, base, tmp_path / "unbroken")
    scratch = tmp_path / "killed"
    killed_after_a_checkpoint(scratch, train, name, base, scratch)
    resumed = train(name, base, scratch)
    assert (unbroken.resumed, resumed.resumed) == (False, True)
    assert len(resumed.losses) == 12
    assert weights(resumed.folder) == weights(unbroken.folder)
    own = sum(one.numel() for one in technique(name).live(prepare(recipe(name), base, None, ONE).model).values())
    there = sum(value.numel() for value in load_file(base / "model.safetensors").values())
    assert resumed.share == pytest.approx(own / (there + (own if technique(name).PRODUCT == "adapter" else 0)))
    assert {path.suffix for path in (scratch / "checkpoints").rglob("*") if path.is_file()} == {".safetensors", ".json"}


@pytest.mark.parametrize("name", STEPPED)
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
    untrained, _ = load_base(base, ONE, exact.dtype)
    rows = chat_ids(ready.tokenizer, ASKED)
    with load(served.model_copy(update={"retriever": None}), step.store, ONE) as application, torch.no_grad():
        engine = application.engine
        for messages, row in zip(ASKED, rows, strict=True):
            here, before = last_logits(ready.model, row), last_logits(untrained, row)
            ids = engine._encode([messages], NEW)
            there = engine._prefill(ids, engine._shared.of(ids)).logits[0, : len(here)]
            apart = getattr(way, "LOSS_APART", 0.0)  # of weights that were rounded while they were trained
            if not apart:
                assert torch.allclose(there, here, atol=1e-4 * float(here.abs().max()))
            assert not torch.allclose(before, here, atol=1e-2 * float(here.abs().max())), "it was trained"
        if apart:
            ids = torch.tensor([EXAMPLES[3].ids])
            both = (model(input_ids=ids, use_cache=False).logits.float() for model in (engine.model, ready.model))
            one, other = (answers_loss(logits, ids) for logits in both)
            assert abs(one - other) <= apart
            return
        said = [greedy(ready.model, row, engine._stops) for row in rows]
        assert engine.generate(ASKED, NEW) == [engine._text(tokens) for tokens in said], "in one padded batch"
        assert engine.score(ASKED, ["unknown"])[0][0] == pytest.approx(logs(ready, rows[0], "unknown"), abs=1e-3)
        assert application.answer([Row(id="1", text="who opened it", answer="")])[0].text is not None


def answers_loss(logits: torch.Tensor, ids: torch.Tensor) -> float:
    """Mean negative log-likelihood of the answer's tokens, nats."""
    start = EXAMPLES[3].start
    return float(torch.nn.functional.cross_entropy(logits[0, start - 1 : -1], ids[0, start:]))


def last_logits(model: torch.nn.Module, row: list[int]) -> torch.Tensor:
    return model(input_ids=torch.tensor([row]), use_cache=False).logits[0, -1].float()


def greedy(model: torch.nn.Module, row: list[int], stops: set[int]) -> list[int]:
    """What the model says token by token, everything run anew for each."""
    said: list[int] = []
    while len(said) < NEW and (token := int(last_logits(model, [*row, *said]).argmax())) not in stops:
        said.append(token)
    return said


def logs(ready: Ready, row: list[int], text: str) -> float:
    """Log-probability of `text` after the prompt `row`."""
    ending = ready.tokenizer(text, add_special_tokens=False).input_ids
    places = [row + ending[:i] for i in range(len(ending))]
    each = [last_logits(ready.model, one).log_softmax(-1)[token] for one, token in zip(places, ending, strict=True)]
    return float(sum(each))


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if technique(name).PRODUCT == "adapter"])
def test_an_adapter_goes_on_from_its_file_towards_preferences(name: str, base: Path, tmp_path: Path) -> None:
    """The reference is the adapter as it was: at the first step the two agree, and DPO's loss is log 2."""
    start = train(name, base, tmp_path / "before").folder
    pairs = [Pair(one.ids[: one.start], one.ids[one.start :], (9, 8, 7 + i)) for i, one in enumerate(EXAMPLES)]
    own = dpo.Settings(beta=0.1, likelihood=0.0)
    trained = dpo.train(recipe(name), own, base, pairs, tmp_path / "after", ONE, start=start)
    assert trained.losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert trained.losses[-1] < trained.losses[0]
    assert weights(trained.folder) != weights(start)
    assert weights(trained.folder).keys() == weights(start).keys()


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
