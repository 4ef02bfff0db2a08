"""A model trained elsewhere: its name is its content, and what is no checkpoint is said."""

import pytest

from components.application.made import make_two_layer
from components.core import BadInput
from flows.own_model import own_model


def test_another_chat_template_is_another_model(tmp_path):
    make_two_layer(tmp_path)
    first = own_model(str(tmp_path), "apache-2.0", "en")
    assert own_model(str(tmp_path), "apache-2.0", "en").name == first.name
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert own_model(str(tmp_path), "apache-2.0", "en").name != first.name


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
