"""A model trained elsewhere: its name is its content, and what is no checkpoint is said."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.application.two_layer import make_two_layer
from components.core import BadInput, MachineFault, Workspace
from components.core.code import ROOT
from flows.own_model import check_chat, check_template, origin, own_model
from tests.zoo import CANARY, SILENT, ZOO


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


@pytest.mark.parametrize("beast", ZOO)
def test_nothing_but_a_checkpoint_is_registered(tmp_path, beast):
    folder = tmp_path / "mine" / "folder"
    make_two_layer(folder)
    ZOO[beast](folder, folder.parent)
    with pytest.raises(BadInput):
        own_model(str(folder), "apache-2.0", "en")
    assert not (folder.parent / CANARY).exists()


def test_a_model_that_brings_code_is_refused_by_the_command_whatever_stands_in_the_pipe(tmp_path):
    folder = tmp_path / "mine" / "folder"
    make_two_layer(folder)
    code = f"open({str(tmp_path / CANARY)!r}, 'w')"
    (folder / "mine.py").write_text(code)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mine", "auto_map": {"AutoConfig": "mine.C"}}))
    case = ROOT / "flows" / "use_cases" / "voice_helpdesk.yaml"
    command = [sys.executable, "-m", "flows.cli", "register", str(folder), "--use-case", str(case), "--licence", "mit"]
    for said in ("mine.py: it is not on the list", "config.json: its key 'auto_map' names code to run"):
        done = subprocess.run(
            command,
            input="y\n" * 10,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"NINEFOLD_HOME": str(tmp_path / "home")},
        )
        assert done.returncode == 2, done.stderr
        assert said in " ".join(done.stderr.split())
        (folder / "mine.py").unlink(missing_ok=True)
    assert not (tmp_path / CANARY).exists()
    assert list((tmp_path / "home").rglob("objects/*")) == []


def two(tmp_path: Path) -> tuple[Path, Path]:
    make_two_layer(tmp_path / "base")
    return tmp_path / "base", Path(shutil.copytree(tmp_path / "base", tmp_path / "mine"))


@pytest.mark.parametrize("place", ["chat_template.jinja", "tokenizer_config.json"])
def test_a_silently_edited_template_is_refused(tmp_path, place):
    base, mine = two(tmp_path)
    theirs, workspace = origin(str(base), "en"), Workspace(tmp_path / "home")
    check_template(own_model(str(mine), "mit", "en"), theirs, None, workspace)
    config = json.loads((mine / "tokenizer_config.json").read_text())
    assert len(set(SILENT)) == 20
    for template in SILENT:
        if place == "tokenizer_config.json":
            (mine / "chat_template.jinja").unlink(missing_ok=True)
            (mine / place).write_text(json.dumps({**config, "chat_template": template}))
        else:
            (mine / place).write_text(template)
        own, pinned = own_model(str(mine), "mit", "en"), hashlib.sha256(template.encode()).hexdigest()
        with pytest.raises(BadInput, match=f"SHA-256 {pinned[:12]}.* is not that of base-.*--template {pinned[:12]}"):
            check_template(own, theirs, None, workspace)
        check_template(own, theirs, pinned[:12], workspace)
        for other in ("0" * 12, pinned[:11], "1" * 64):
            with pytest.raises(BadInput, match=f"--template {other}: its template is {pinned[:12]}"):
                check_template(own, theirs, other, workspace)


def test_a_base_without_a_template_says_nothing_about_one(tmp_path):
    base, mine = two(tmp_path)
    (base / "chat_template.jinja").unlink()
    check_template(own_model(str(mine), "mit", "en"), origin(str(base), "en"), None, Workspace(tmp_path / "home"))


def test_the_template_of_a_packaged_base_is_compared_too(tmp_path, fetched):
    workspace = Workspace(fetched.parent)
    make_two_layer(tmp_path / "mine")
    own, base = own_model(str(tmp_path / "mine"), "mit", "en"), origin("smollm2-135m-instruct", "en")
    with pytest.raises(BadInput, match="not that of smollm2-135m-instruct"):
        check_template(own, base, None, workspace)


def without(folder: Path, file: str, *keys: str, **others: object) -> None:
    """Write a JSON file of a checkpoint anew without `keys` and with `others`."""
    content = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({key: value for key, value in content.items() if key not in keys} | others))


def no_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def no_system(folder: Path) -> None:
    refuses = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    (folder / "chat_template.jinja").write_text(refuses + (folder / "chat_template.jinja").read_text())


def no_eos(folder: Path) -> None:
    without(folder, "tokenizer_config.json", "eos_token")


def not_resized(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<extra>"])
    tokenizer.save_pretrained(folder)


@pytest.mark.parametrize(
    ("spoil", "lacks"),
    [
        (no_template, "its tokenizer has no chat template"),
        (no_system, "refuses this conversation: System role not supported.* the role `system`"),
        (no_eos, "its key 'eos_token' is missing"),
        (not_resized, r"has a token \d+, its weights have tokens 0 to \d+ "),
    ],
)
def test_a_model_that_no_stage_could_ask_is_refused_before_any_runs(tmp_path, spoil, lacks):
    folder, workspace = tmp_path / "mon modèle v2 (final)", Workspace(tmp_path / "home")
    make_two_layer(folder)
    check_chat(own_model(str(folder), "mit", "en"), workspace)
    spoil(folder)
    with pytest.raises(BadInput, match=f"^{re.escape(str(folder))}: .*{lacks}") as refused:
        check_chat(own_model(str(folder), "mit", "en"), workspace)
    assert "\n" not in str(refused.value)


def test_a_model_without_a_padding_token_answers_as_with_it(tmp_path):
    from transformers import AutoTokenizer

    from components.application.prompt import chat_ids

    make_two_layer(tmp_path)
    chat = [[{"role": "user", "content": "Who wrote it?"}]]
    ids = chat_ids(AutoTokenizer.from_pretrained(tmp_path), chat)
    without(tmp_path, "tokenizer_config.json", "pad_token")
    without(tmp_path, "config.json", pad_token_id=None)
    check_chat(own_model(str(tmp_path), "mit", "en"), Workspace(tmp_path / "home"))
    assert chat_ids(AutoTokenizer.from_pretrained(tmp_path), chat) == ids


@pytest.mark.parametrize(("keys", "window"), [({"n_positions": 512}, 512), ({"max_seq_len": 256}, 256), ({}, 2048)])
def test_the_longest_context_has_other_names_in_other_kinds_of_models(tmp_path, keys, window):
    make_two_layer(tmp_path)
    without(tmp_path, "config.json", "max_position_embeddings", **keys)
    assert own_model(str(tmp_path), "mit", "en").context == window


def test_an_adapter_alone_is_no_model(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match=f"^{tmp_path}: an adapter alone: config.json and the weights .* are missing"):
        own_model(str(tmp_path), "mit", "en")
