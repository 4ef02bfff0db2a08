"""A folder that holds more than a checkpoint is refused by the name of the file; what libraries save as one is taken."""

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.application.chat_template import TemplateFault, rendered
from components.application.checkpoints import check_folder
from components.application.two_layer import make_two_layer
from components.core import BadInput, MachineFault, Store, digest_of, file_digest
from components.core.artifacts import inspect, listed, opened, take, template_of
from components.core.store import MANIFEST
from tests.zoo import CANARY, TEMPLATES, ZOO, onnx_naming


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    make_two_layer(folder)
    return folder


@pytest.fixture
def folder(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "mine" / "folder"))


@pytest.mark.parametrize("beast", ZOO)
def test_nothing_but_a_checkpoint_is_taken(beast: str, folder: Path, tmp_path: Path) -> None:
    ZOO[beast](folder, folder.parent)
    with pytest.raises(BadInput) as refusal:
        check_folder(folder, "./mine")
    assert "\n" not in str(refusal.value)
    assert not (folder.parent / CANARY).exists()
    if beast not in TEMPLATES:
        with pytest.raises(BadInput):
            take(folder, tmp_path / "copy", "./mine")


@pytest.mark.parametrize("beast", ZOO)
def test_an_object_put_into_the_store_by_hand_is_not_opened(beast: str, folder: Path, tmp_path: Path) -> None:
    ZOO[beast](folder, folder.parent)
    store = Store(tmp_path / "store")
    digest = planted(store, folder)
    if beast in TEMPLATES:  # nothing of it runs before something is asked, and then in a process of its own
        with pytest.raises(TemplateFault):
            rendered(template_of(opened(store, digest)) or "", [[{"role": "user", "content": "?"}]], {})
    else:
        with pytest.raises(BadInput):
            opened(store, digest)
    assert not (folder.parent / CANARY).exists()


def planted(store: Store, folder: Path) -> str:
    """The digest of `folder` as an object whose manifest is right, put there by somebody with access to the disk."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    manifest = {path.relative_to(folder).as_posix(): file_digest(path) for path in files}
    digest = digest_of(manifest)
    target = store.root / "objects" / digest
    target.parent.mkdir(parents=True)
    folder.rename(target)
    (target / MANIFEST).write_text(json.dumps(manifest))
    return digest


def test_a_changed_template_in_the_store_is_not_opened(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.put(folder)
    assert opened(store, digest)
    template = store.path(digest) / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    with pytest.raises(MachineFault, match=r"chat_template\.jinja: damaged \(not what its manifest says\)"):
        opened(store, digest)


def test_a_file_replaced_by_a_link_to_the_same_bytes_counts_as_changed(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.put(folder)
    config = store.path(digest) / "config.json"
    (tmp_path / "elsewhere.json").write_bytes(config.read_bytes())
    config.unlink()
    config.symlink_to(tmp_path / "elsewhere.json")
    assert store.damaged() == [f"{digest}: config.json"]


def test_refusals_name_the_file_what_is_allowed_and_what_to_do(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BadInput, match=r"^\./mine: pytorch_model\.bin: pickled .*allowed are .*safetensors.*take it out"):
        listed(folder, "./mine")


@pytest.mark.parametrize(
    ("named", "there", "holds"), [("w.onnx_data", "w.onnx_data", True), ("w.data", "", False), ("../w.data", "", False)]
)
def test_an_onnx_model_reads_only_files_beside_it(tmp_path: Path, named: str, there: str, holds: bool) -> None:
    (tmp_path / "model.onnx").write_bytes(onnx_naming(named))
    if there:
        (tmp_path / there).write_bytes(b"0")
    if holds:
        assert inspect(tmp_path, "mine", "onnx") == ["model.onnx", there]
    else:
        with pytest.raises(BadInput, match="no file of this folder"):
            inspect(tmp_path, "mine", "onnx")


@pytest.mark.parametrize(
    "decoder",
    [
        {"filename": "../model.onnx"},
        {"session_options": {"custom_ops_library": "evil.so"}},
        {"session_options": {"provider_options": [{"qnn": {"backend_path": "/tmp/libQnn.so"}}]}},
    ],
)
def test_an_onnx_configuration_names_no_file_elsewhere(tmp_path: Path, decoder: dict[str, object]) -> None:
    (tmp_path / "genai_config.json").write_text(json.dumps({"model": {"decoder": decoder}}))
    with pytest.raises(BadInput, match=r"genai_config\.json"):
        inspect(tmp_path, "mine", "onnx")


@pytest.mark.parametrize("base", ["/models/base", "../base", "~/base", "https://host/base", "./base"])
def test_an_adapter_names_no_place_on_a_machine(tmp_path: Path, base: str) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    with pytest.raises(BadInput, match="set it to null"):
        inspect(tmp_path, "mine", "adapter")


@pytest.mark.parametrize("library", ["os", "transformers", "mine.models", "transformers.models", "transformers.models.x; y"])
def test_an_adapter_names_no_code(tmp_path: Path, library: str) -> None:
    mapped = {"base_model_class": "LlamaForCausalLM", "parent_library": library}
    (tmp_path / "adapter_config.json").write_text(json.dumps({"auto_mapping": mapped}))
    with pytest.raises(BadInput, match="auto_mapping"):
        inspect(tmp_path, "mine", "adapter")


def test_an_adapter_as_peft_saves_it_is_taken(folder: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), LoraConfig(target_modules=["q_proj"]))
    model.peft_config["default"].base_model_name_or_path = "HuggingFaceTB/SmolLM2-135M"  # else where it lay on this machine
    model.save_pretrained(tmp_path / "adapter")
    assert inspect(tmp_path / "adapter", "mine", "adapter") == ["adapter_config.json", "adapter_model.safetensors"]


def _documented(folder: Path) -> None:
    for name in ("README.md", "LICENSE", "NOTICE.txt", "USE_POLICY.md", "logo.png", ".gitattributes", "eval.yaml"):
        (folder / name).write_text("for people")
    (folder / "images").mkdir()
    (folder / "images" / "curve.svg").write_text("<svg/>")


def _cloned(folder: Path) -> None:
    (folder / ".git" / "hooks").mkdir(parents=True)
    (folder / ".git" / "hooks" / "pre-commit.py").write_text("raise SystemExit")
    (folder / ".cache" / "huggingface" / "download").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "download" / "config.json.lock").write_text("")


def _results(folder: Path) -> None:
    for name in ("all_results.json", "trainer_state.json", "train_results.json", "quantize_config.json", "eval.jsonl"):
        (folder / name).write_text("{}")


def _sharded(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(folder, max_shard_size="60KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    assert len(list(folder.glob("model-*.safetensors"))) > 1


def _float16(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float16).save_pretrained(folder)


def _tensors(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    kinds = (torch.bool, torch.uint8, torch.int64, torch.float64, torch.float8_e4m3fn, torch.complex64)
    made = {str(kind): torch.zeros(2, 3).to(kind) for kind in kinds} | {
        "scalar": torch.tensor(1.0),
        "none": torch.zeros(0, 3),
    }
    save_file(made, folder / "model.safetensors", metadata={"format": "pt"})


def _tokenizer(kind: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from tokenizers import Tokenizer, models
        from transformers import PreTrainedTokenizerFast

        words = {"[UNK]": 0, "a": 1, "b": 2}
        model = {
            "wordpiece": models.WordPiece(words, unk_token="[UNK]"),
            "wordlevel": models.WordLevel(words, unk_token="[UNK]"),
            "unigram": models.Unigram([("a", -1.0), ("b", -2.0)]),
        }[kind]
        PreTrainedTokenizerFast(tokenizer_object=Tokenizer(model), unk_token="[UNK]").save_pretrained(folder)

    return make


def _slow(folder: Path) -> None:
    from transformers import BertTokenizer

    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "überall"]))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)


def _byte_pairs(folder: Path) -> None:
    (folder / "vocab.json").write_text('{"a": 0, "b": 1, "ab": 2}')
    (folder / "merges.txt").write_text("#version: 0.2\na b\n")


def _pieces(folder: Path) -> None:
    piece = b"\x0a\x04\xe2\x96\x81a" + b"\x15\x00\x00\x80\xbf"
    trainer = b"\x0a\x04text"
    packed = b"\x0a" + bytes([len(piece)]) + piece + b"\x12" + bytes([len(trainer)]) + trainer
    for name in ("tokenizer.model", "source.spm", "target.spm", "spiece.model"):
        (folder / name).write_bytes(packed)


def _tiktoken(folder: Path) -> None:
    lines = [f"{base64.b64encode(bytes([one])).decode()} {one}" for one in range(256)]
    (folder / "tokenizer.model").write_text("\n".join(lines) + "\n")


def _embedder(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel

    _slow(folder)
    BertModel(
        BertConfig(vocab_size=6, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    ).save_pretrained(folder)
    first = Transformer(str(folder))
    modules = [first, Pooling(8), Dense(8, 4), Normalize()]
    shutil.rmtree(folder)
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder))


def _translator(folder: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=8, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(folder)


def _template_in_config(folder: Path) -> None:
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(folder).save_pretrained(folder, save_jinja_files=False)
    (folder / "chat_template.jinja").unlink()
    assert "chat_template" in json.loads((folder / "tokenizer_config.json").read_text())


def _two_templates(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = {"default": tokenizer.chat_template, "tool_use": "{{ tools }}"}
    tokenizer.save_pretrained(folder)


def _no_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def _no_system(folder: Path) -> None:
    template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ messages[0]['content'] }}"
    )
    (folder / "chat_template.jinja").write_text(template)


def _older(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    paths = {"special_tokens_map_file": "/home/me/.cache/map.json", "tokenizer_file": "/home/me/tokenizer.json"}
    path.write_text(json.dumps({**json.loads(path.read_text()), **paths, "name_or_path": "/home/me/base", "auto_map": None}))
    (folder / "special_tokens_map.json").write_text('{"bos_token": "<|im_start|>"}')
    (folder / "added_tokens.json").write_text('{"<|im_start|>": 1}')


def _seeing(folder: Path) -> None:
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5]}')
    (folder / "processor_config.json").write_text('{"image_seq_len": 64}')
    (folder / "chat_template.json").write_text('{"chat_template": "x"}')


CLEAN: dict[str, Callable[[Path], None]] = {
    "as transformers saves it": lambda folder: None,
    "with documentation": _documented,
    "cloned": _cloned,
    "with results of its training": _results,
    "in shards": _sharded,
    "float16": _float16,
    "every type of tensor": _tensors,
    "WordPiece": _tokenizer("wordpiece"),
    "words": _tokenizer("wordlevel"),
    "unigram": _tokenizer("unigram"),
    "vocab.txt": _slow,
    "vocab.json and merges": _byte_pairs,
    "SentencePiece": _pieces,
    "tiktoken": _tiktoken,
    "an embedder with a dense layer": _embedder,
    "an encoder and decoder": _translator,
    "the template in the configuration": _template_in_config,
    "two templates": _two_templates,
    "no template": _no_template,
    "a template that knows no system": _no_system,
    "saved by an older version": _older,
    "one that sees": _seeing,
}


@pytest.mark.parametrize("kind", CLEAN)
def test_a_clean_checkpoint_is_taken(kind: str, folder: Path, tmp_path: Path) -> None:
    CLEAN[kind](folder)
    check_folder(folder, "./mine")
    take(folder, tmp_path / "copy", "./mine")
    there = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert there == set(listed(folder, "./mine"))
    assert any(name.endswith(".safetensors") for name in there)


def test_the_cache_of_the_hub_is_read_through_its_own_links(folder: Path, tmp_path: Path) -> None:
    snapshot = in_hub_cache(folder, tmp_path / "hub" / "models--me--mine")
    take(snapshot, tmp_path / "copy", "hub:me/mine")
    assert (tmp_path / "copy" / "config.json").is_file()
    assert not (tmp_path / "copy" / "config.json").is_symlink()
    (tmp_path / "secret").write_text("{}")
    for to in ("../../../../secret", str(tmp_path / "secret"), "../../blobs/../../../secret"):
        (snapshot / "generation_config.json").unlink()
        (snapshot / "generation_config.json").symlink_to(to)
        with pytest.raises(BadInput, match=r"generation_config\.json: it is a link"):
            take(snapshot, tmp_path / "copy", "hub:me/mine")


def in_hub_cache(folder: Path, home: Path) -> Path:
    """`folder` as the hub's client keeps it: blobs by digest, and a snapshot of links."""
    snapshot = home / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (home / "blobs").mkdir()
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0" * 40)
    for path in folder.iterdir():
        blob = home / "blobs" / file_digest(path)
        shutil.copyfile(path, blob)
        (snapshot / path.name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot
