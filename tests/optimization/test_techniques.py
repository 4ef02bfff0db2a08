"""Every technique of the folder through the real thing: built twice to the same bytes, asked, and traced to its base."""

from pathlib import Path

import pytest

from components.application import checkpoint, load
from components.application.soft_tokens import soft_ids
from components.core import Adapter, BadInput, Candidate, Derivation, Row, Step
from components.optimization import Config, techniques
from components.optimization.builder import build as onnx
from components.optimization.techniques import TECHNIQUES, Given, settings, technique
from components.training import technique as tuning_technique
from components.training.loop import load_base
from tests.tuning.small import TASK, new_step, small_candidate, small_dataset


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Step, Candidate, Given]:
    """A model of five layers with random weights, a candidate on BM25, and rows to recover on."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    step = new_step(tmp_path_factory.mktemp("techniques"))
    dataset = small_dataset(step)
    candidate = small_candidate(dataset, step)
    two_layer, folder = step.store.path(candidate.model.object), tmp_path_factory.mktemp("five")
    config = LlamaConfig.from_pretrained(two_layer)
    config.num_hidden_layers = 5
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:1] * 5
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(two_layer).save_pretrained(folder)
    five = checkpoint(f"folder:{folder}", "five-layer", "apache-2.0", step)
    return step, candidate.model_copy(update={"model": five}), Given(TASK, dataset)


def build(name: str, world: tuple[Step, Candidate, Given], scratch: Path, **own: object) -> Candidate:
    step, candidate, given = world
    made: Candidate = technique(name).build(candidate, settings(name, own), given, step)
    return made


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_builds_what_answers_and_says_what_it_was_made_from(name: str, world, tmp_path: Path) -> None:
    step, candidate, _ = world
    made = build(name, world, tmp_path)
    derived = made.model.derived_from
    assert isinstance(derived, Derivation)
    assert (derived.technique, derived.checkpoint, made.adapter) == (name, candidate.model, None)
    assert made.base == candidate, "worsening is measured against the first weights"
    for seal in (step.store.root / "steps").glob("*.json"):
        seal.unlink()
    assert build(name, world, tmp_path) == made, "the same bytes, built again"
    with load(made, step.store, step.machine) as application:
        (answer,) = application.answer([Row(id="1", text="when was the fair of Lima opened", answer="")])
    assert answer.passages


def test_dropped_layers_are_gone_and_the_recovery_lowers_the_loss(world, tmp_path: Path) -> None:
    from transformers import AutoConfig

    step, candidate, _ = world
    made = build("drop_layers", world, tmp_path, layers=2, epochs=8)
    how = made.model.derived_from.settings
    assert how["dropped"] == sorted(set(how["dropped"]) & {1, 2, 3}), "the first and the last stay"
    assert AutoConfig.from_pretrained(step.store.path(made.model.object)).num_hidden_layers == 3
    assert made.trained
    assert not candidate.trained
    losses = step.measured["drop_layers"].popitem()[1]["training"]["losses"]
    assert sum(losses[-3:]) < sum(losses[:3])


def test_more_layers_than_there_are_are_refused(world, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"key 'drop_layers\.layers': 4 of 5 layers cannot go"):
        build("drop_layers", world, tmp_path, layers=4)


def test_settings_of_a_variant_stand_under_its_name() -> None:
    config = Config.model_validate({"variants": ["drop_layers"], "drop_layers": {"layers": 3}})
    assert config.own["drop_layers"]["layers"] == 3
    with pytest.raises(ValueError, match="'drop_layers' has settings, but 'variants' does not name it"):
        Config.model_validate({"drop_layers": {"layers": 3}})
    with pytest.raises(ValueError, match=r"key 'drop_layers\.layer'.*settings of 'drop_layers': epochs, layers"):
        Config.model_validate({"variants": ["drop_layers"], "drop_layers": {"layer": 3}})
    with pytest.raises(ValueError, match="optimization: technique 'int3' is not known; allowed: drop_layers, int4, int8"):
        Config.model_validate({"variants": ["int3"]})


def test_a_file_that_defines_too_little_fails_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted.py").write_text("BITS = 1\n")
    monkeypatch.setattr(techniques, "__path__", [str(tmp_path)])
    monkeypatch.setattr(techniques, "TECHNIQUES", ("planted",))
    with pytest.raises(AssertionError, match=r"techniques\.planted does not define Settings, PACKAGES, build"):
        technique("planted")


def with_soft_prompt(candidate: Candidate, step: Step, folder: Path) -> Candidate:
    way = tuning_technique("prompt")
    model, _ = load_base(step.store.path(candidate.model.object), step.machine, "float32")
    folder.mkdir()
    way.save(way.wrap(model, way.Settings(tokens=5), 0), Path(), folder, 5)
    adapter = Adapter(object=step.store.put(folder), technique="prompt", objective="sft")
    return candidate.model_copy(update={"adapter": adapter, "retriever": None})


def test_a_soft_prompt_says_the_same_on_onnx(world, tmp_path: Path) -> None:
    """In float32, where nothing is lost to quantising: an untied head and a larger vocabulary are what the builder takes."""
    import numpy as np

    step, candidate, _ = world
    soft = with_soft_prompt(candidate, step, tmp_path / "adapter")
    asked = [
        [{"role": "user", "content": text}] for text in ("who opened it", "when was the fair of Lima opened ?", "<|soft_0|>")
    ]
    built = onnx(soft, "fp32", (), step)
    with load(soft, step.store, step.machine) as torch_side, load(built, step.store, step.machine) as onnx_side:
        ids = soft_ids(onnx_side.engine.tokenizer)
        assert len(ids) == 5
        assert ids == soft_ids(torch_side.engine.tokenizer)
        said = torch_side.engine.generate(asked, 12)
        assert onnx_side.engine.generate(asked, 12) == said
        here, there = (np.array(one.engine.score(asked, ["unknown", "the mayor"])) for one in (torch_side, onnx_side))
        assert np.allclose(here, there, atol=1e-3)
    with load(candidate.model_copy(update={"retriever": None}), step.store, step.machine) as plain:
        assert plain.engine.generate(asked, 12) != said, "the soft prompt changes what it says"


def test_layers_are_not_recovered_by_what_cannot_become_a_checkpoint() -> None:
    with pytest.raises(
        ValueError, match=r"'drop_layers\.technique'.*what 'prefix' learns cannot become part of a checkpoint"
    ):
        Config.model_validate({"variants": ["drop_layers"], "drop_layers": {"technique": "prefix"}})
