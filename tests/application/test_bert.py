"""What `bert.py` runs has the vectors of sentence-transformers; what it would run otherwise is left to it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.application import Embedder, checkpoint
from components.application import embedder as embedder_module
from components.application.bert import bert_in
from components.core import BadInput, Machine
from tests.retrieval.small import tiny_embedder
from tests.tuning.small import new_step

MACHINE = Machine(threads=1)
TEXTS = [
    "The fair of Paris was opened in the year 1900 by the mayor .",
    "Ünïcödé, 東京 и Москва: (a@b.c) +1-234",
    "  spaced \t out\n\n words  ",
    "word " * 400,
    "x",
    "",
    *(f"Town {number} has {number} bridges over {'a ' * number} river." for number in range(30)),
]


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    step = new_step(tmp_path_factory.mktemp("minilm"))
    return step.store.path(checkpoint("asset:minilm/all_minilm_l6_v2/model.zip", "minilm", "apache-2.0", step).object)


def theirs(folder: Path, texts: list[str]) -> np.ndarray:
    return embedder_module._sentence_transformer(MACHINE, folder).encode(texts, normalize_embeddings=True)


@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.999999), ("bfloat16", 0.9999), ("int8", 0.97)])
def test_vectors_are_those_of_sentence_transformers(minilm: Path, dtype: str, least: float) -> None:
    embedder = Embedder(MACHINE, minilm, dtype)
    if dtype == "bfloat16" and embedder._bert is None:
        pytest.skip("oneDNN has no bfloat16 on this processor, so that sentence-transformers runs it")
    assert embedder._bert is not None
    found = embedder.embed(TEXTS)
    assert (found * theirs(minilm, TEXTS)).sum(axis=1).min() > least
    model = embedder_module._sentence_transformer(MACHINE, minilm)
    assert embedder.count(TEXTS) == [len(ids) for ids in model.tokenizer(TEXTS, truncation=False)["input_ids"]]
    assert (embedder.window, embedder.dimensions) == (model.max_seq_length, 384)
    assert (embedder.embed(TEXTS) == found).all(), "the same list has the same vectors"


def test_in_int8_a_vector_depends_on_no_other_text(minilm: Path) -> None:
    embedder = Embedder(MACHINE, minilm, "int8")
    assert (embedder.embed(TEXTS[:1]) == embedder.embed(TEXTS)[:1]).all()


def test_a_checkpoint_of_todays_form_is_run_as_well(tmp_path: Path) -> None:
    folder = tiny_embedder(tmp_path, TEXTS)
    assert bert_in(folder, "float32") is not None
    np.testing.assert_allclose(Embedder(MACHINE, folder).embed(TEXTS[:3]), theirs(folder, TEXTS[:3]), atol=1e-5)


def changed(name: str, **fields: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | fields))

    return change


def with_a_module(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules.insert(2, {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))


@pytest.mark.parametrize(
    "change",
    [
        changed("config.json", model_type="mpnet"),
        changed("config.json", hidden_act="gelu_new"),
        changed("config.json", position_embedding_type="relative_key"),
        changed("config.json", is_decoder=True),
        changed("1_Pooling/config.json", pooling_mode_cls_token=True),
        changed("1_Pooling/config.json", pooling_mode_mean_tokens=False, pooling_mode_max_tokens=True),
        changed("sentence_bert_config.json", do_lower_case=True),
        changed("config_sentence_transformers.json", prompts={"q": "ask: "}, default_prompt_name="q"),
        changed("tokenizer_config.json", do_lower_case=False),
        with_a_module,
        lambda folder: (folder / "tokenizer.json").unlink(),
        lambda folder: (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors"),
    ],
)
def test_what_would_be_run_otherwise_is_left_to_sentence_transformers(
    minilm: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(minilm, folder)
    assert bert_in(folder, "float32") is not None
    change(folder)
    assert bert_in(folder, "float32") is None
    with pytest.raises(BadInput, match=r"retrieval\.embedder_dtype: 'int8' runs encoders of BERT's kind on a CPU"):
        Embedder(MACHINE, folder, "int8")


def test_a_processor_without_onednn_goes_through_sentence_transformers(
    minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    embedder = Embedder(MACHINE, minilm)
    assert embedder._bert is None
    np.testing.assert_allclose(embedder.embed(TEXTS), theirs(minilm, TEXTS), atol=1e-5)
    assert embedder.window == 256
