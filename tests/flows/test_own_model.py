"""A model trained elsewhere: its name is its content, and what is no checkpoint is said."""

import json

import pytest

from components.application.made import make_two_layer
from components.core import BadInput, MachineFault
from flows.own_model import origin, own_model


def test_another_chat_template_is_another_model(tmp_path):
    make_two_layer(tmp_path)
    first = own_model(str(tmp_path), "apache-2.0", "en")
    assert own_model(str(tmp_path), "apache-2.0", "en").name == first.name
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert own_model(str(tmp_path), "apache-2.0", "en").name != first.name


def test_a_checkpoint_that_is_no_decoder_says_so(tmp_path):
    make_two_layer(tmp_path)
    assert own_model(str(tmp_path), "apache-2.0", "en").architecture == "decoder"
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "architectures": ["BertForMaskedLM"]}))
    assert own_model(str(tmp_path), "apache-2.0", "en").architecture == "encoder"
    (tmp_path / "config.json").write_text(json.dumps({**config, "is_encoder_decoder": True}))
    assert own_model(str(tmp_path), "apache-2.0", "en").architecture == "encoder_decoder"


def test_a_checkpoint_without_its_tokenizer_is_none(tmp_path):
    make_two_layer(tmp_path)
    for path in tmp_path.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(BadInput, match="a tokenizer"):
        own_model(str(tmp_path), "apache-2.0", "en")


def test_what_a_model_was_made_from_is_one_of_the_catalogue_or_a_checkpoint(tmp_path):
    make_two_layer(tmp_path)
    assert origin(None, "en") is None
    assert origin("smollm2-135m-instruct", "en").source.startswith("asset:smollm2/")
    assert origin(f"folder:{tmp_path}", "en") == origin(str(tmp_path), "en")
    with pytest.raises(BadInput, match=r"--made-from smollm: not a checkpoint.*of the catalogue: smollm2-135m-instruct, "):
        origin("smollm", "en")


def test_a_name_on_the_hub_needs_no_prefix(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MachineFault, match="hub:nobody/nothing: no model hub is reachable"):
        own_model("nobody/nothing", "apache-2.0", "en")
    with pytest.raises(BadInput, match="not a checkpoint"):
        own_model("./nothing", "apache-2.0", "en")
    with pytest.raises(BadInput, match="neither a folder here nor a model"):
        own_model("hub:no such/name/at all", "apache-2.0", "en")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "{"),
        ("config.json", "[]"),
        ("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    ],
)
def test_a_file_that_is_no_part_of_a_checkpoint_is_named(tmp_path, file, content):
    make_two_layer(tmp_path)
    (tmp_path / file).write_text(content)
    with pytest.raises(BadInput, match=f"{file}: not readable as part of a checkpoint"):
        own_model(str(tmp_path), "apache-2.0", "en")
