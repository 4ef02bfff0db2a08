"""Every technique that leaves an adapter: aligned further from what it saved; merged weights given, or refused."""

import math
from pathlib import Path

import pytest

from components.application import load, weights
from components.core import BadInput, Runtime
from components.optimization import Config, optimize
from components.training import TECHNIQUES, technique, tuned
from components.training.loop import prepare
from components.training.objectives import dpo
from components.training.pairs import Pair
from tests.training.test_techniques import EXAMPLES, ONE, base, recipe, train, world
from tests.tuning.small import METRICS, TASK

__all__ = ["base", "world"]

ADAPTERS = [name for name in TECHNIQUES if technique(name).PRODUCT == "adapter"]
PAIRS = [Pair(one.ids[: one.start], one.ids[one.start :], (7, 8, 9, 10 + i)) for i, one in enumerate(EXAMPLES)]


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_aligned_further_from_what_was_saved(name: str, base: Path, tmp_path: Path) -> None:
    """With the model before it as the reference, DPO's first loss is log 2 (Rafailov et al. 2023, eq. 7)."""
    first = train(name, base, tmp_path / "first", epochs=2)
    own = dpo.Settings(beta=0.1, likelihood=0.0)
    aligned = dpo.train(recipe(name), own, base, PAIRS, tmp_path / "aligned", ONE, start=first.folder)
    assert aligned.losses[0] == pytest.approx(math.log(2), abs=1e-3)
    assert aligned.losses[-1] < aligned.losses[0]
    assert {path.name for path in aligned.folder.iterdir()} == {path.name for path in first.folder.iterdir()}


@pytest.mark.parametrize("name", ADAPTERS)
def test_merged_weights_are_given_or_refused_in_one_sentence(name: str, world, base: Path, tmp_path: Path) -> None:
    step, candidate = world
    served = tuned(candidate, recipe(name), "sft", train(name, base, tmp_path / "trained", epochs=1), step.store)
    elsewhere = served.model_copy(update={"runtime": Runtime(engine="onnx", dtype="int8"), "retriever": None})
    with pytest.raises(BadInput, match="engine 'onnx' runs no adapter; merge it"):
        load(elsewhere, step.store, ONE)
    if technique(name).MERGEABLE:
        assert (weights(served, step.store, tmp_path / "merged", "float32") / "model.safetensors").is_file()
        return
    with pytest.raises(BadInput, match="cannot be merged into the weights of a checkpoint; run it on engine 'transformers'"):
        weights(served, step.store, tmp_path / "merged", "float32")
    assert not (tmp_path / "merged").exists()
    kept = optimize(Config(), task=TASK, metrics=METRICS, limits=None, candidate=served, dataset=None, step=step)
    assert (kept.candidate, kept.decision.verdict) == (served, "keep")
    assert f"what {name} learned cannot become part of a checkpoint" in kept.decision.reason
    with pytest.raises(ValueError, match=f"what '{name}' learns cannot become part of a checkpoint"):
        Config(variants=["drop_layers"], drop_layers={"technique": name})


def test_a_layer_without_a_feed_forward_part_is_refused(base: Path) -> None:
    ready = prepare(recipe("lora"), base, None, ONE)
    for layer in ready.body.model.layers:
        del layer.mlp
    with pytest.raises(BadInput, match="follows a layer's part 'mlp', and LlamaDecoderLayer has none"):
        technique("bottleneck").wrap(ready.body, technique("bottleneck").Settings(), 0)
