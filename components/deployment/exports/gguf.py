"""A GGUF file, as llama.cpp and what is built on it read it: models of the Llama family with a byte-level BPE tokenizer.

llama.cpp's own converter is a script of its repository and in no package; the file is written with its package `gguf`, which
knows names, keys and quantised forms. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from components.core import BadInput
from components.core.artifacts import template_of

from . import Given, checkpoint_of

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter

PACKAGES = ("gguf", "torch", "transformers", "safetensors")
FORMS = ("bf16", "f16", "q8_0")
ARCHITECTURES = ("LlamaForCausalLM", "MistralForCausalLM")
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Kinds of tokens."""


def write(given: Given, folder: Path) -> list[str]:
    """See exports/__init__.py: `<name>.gguf`, weights of one dimension in float32, the others as `given.weights` says."""
    file = write_gguf(given, folder)
    return [f"{file.name}: {file.stat().st_size / 1e6:.0f} MB, weights as {given.weights}"]


def write_gguf(given: Given, folder: Path) -> Path:
    """Write `<name>.gguf` into `folder` and return it. Raises BadInput for another family, tokenizer or form of weights."""
    from gguf import GGUFWriter

    if given.weights not in FORMS:
        raise BadInput(f"--weights {given.weights}: not known; allowed: {', '.join(FORMS)}")
    checkpoint = checkpoint_of(given, folder / "checkpoint")
    shape = Shape.model_validate_json((checkpoint / "config.json").read_bytes())
    _check(shape)
    file = folder / f"{given.name}.gguf"
    writer = GGUFWriter(file, "llama")
    _describe(writer, given, shape)
    _tokenizer(writer, checkpoint, shape.vocab_size)
    for name, values in _tensors(checkpoint, shape):
        _add(writer, name, values, given.weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    shutil.rmtree(checkpoint)
    return file


class Rope(BaseModel):
    """How positions are turned."""

    rope_type: str = "default"
    rope_theta: float = 10_000.0


class Shape(BaseModel):
    """What config.json says of a model of the Llama family."""

    architectures: tuple[str, ...] = ()
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_parameters: Rope = Rope()
    head_dim: int | None = None
    attention_bias: bool = False
    mlp_bias: bool = False


class AddedToken(BaseModel):
    id: int
    content: str
    special: bool


class Cut(BaseModel):
    """How a text is cut before BPE."""

    type: str = ""
    individual_digits: bool = False
    pretokenizers: tuple["Cut", ...] = ()


class Bpe(BaseModel):
    type: str
    vocab: dict[str, int] = {}
    merges: tuple[str | tuple[str, str], ...] = ()


class SavedTokenizer(BaseModel):
    """What tokenizer.json says."""

    model: Bpe
    added_tokens: tuple[AddedToken, ...] = ()
    pre_tokenizer: Cut | None = None


class SpecialTokens(BaseModel):
    """What tokenizer_config.json says."""

    bos_token: str | None = None
    eos_token: str | None = None
    pad_token: str | None = None
    unk_token: str | None = None


def _check(shape: Shape) -> None:
    if not set(shape.architectures) & set(ARCHITECTURES):
        named = ", ".join(shape.architectures) or "not stated"
        raise BadInput(f"a GGUF file is written of {' and '.join(ARCHITECTURES)}, and this model is {named}")
    if shape.rope_parameters.rope_type != "default":
        raise BadInput(f"its positions are scaled ({shape.rope_parameters.rope_type}), which this export does not write")
    if shape.attention_bias or shape.mlp_bias:
        raise BadInput("its layers have biases, which this export does not write")


def _describe(writer: "GGUFWriter", given: Given, shape: Shape) -> None:
    from gguf import LlamaFileType

    writer.add_name(given.name)
    if given.candidate.model:
        writer.add_license(given.candidate.model.licence)
    writer.add_context_length(shape.max_position_embeddings)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_feed_forward_length(shape.intermediate_size)
    writer.add_head_count(shape.num_attention_heads)
    writer.add_head_count_kv(shape.num_key_value_heads)
    writer.add_rope_freq_base(shape.rope_parameters.rope_theta)
    writer.add_rope_dimension_count(shape.head_dim or shape.hidden_size // shape.num_attention_heads)
    writer.add_layer_norm_rms_eps(shape.rms_norm_eps)
    writer.add_vocab_size(shape.vocab_size)
    writer.add_file_type(LlamaFileType[f"MOSTLY_{given.weights.upper()}"])


def _tokenizer(writer: "GGUFWriter", checkpoint: Path, size: int) -> None:
    """Tokens by id, their kinds, merges, special tokens and the chat template. size: rows of the embedding."""
    saved = SavedTokenizer.model_validate_json((checkpoint / "tokenizer.json").read_bytes())
    special = SpecialTokens.model_validate_json((checkpoint / "tokenizer_config.json").read_bytes())
    if saved.model.type != "BPE":
        raise BadInput(f"a GGUF file is written of byte-level BPE tokenizers, and this one is {saved.model.type}")
    names = {place: token for token, place in saved.model.vocab.items()}
    kinds = dict.fromkeys(names, NORMAL)
    for added in saved.added_tokens:
        names[added.id] = added.content
        kinds[added.id] = CONTROL if added.special else USER_DEFINED
    places = {token: place for place, token in names.items()}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_pre(saved.pre_tokenizer or Cut()))
    writer.add_token_list([names.get(place, f"[PAD{place}]") for place in range(size)])
    writer.add_token_types([kinds.get(place, UNUSED) for place in range(size)])
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in saved.model.merges])
    for token, add in (  # one token may have several parts
        (special.bos_token, writer.add_bos_token_id), (special.eos_token, writer.add_eos_token_id),
        (special.pad_token, writer.add_pad_token_id), (special.unk_token, writer.add_unk_token_id),
    ):  # fmt: skip
        if token in places:
            add(places[token])
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    if template := template_of(checkpoint):
        writer.add_chat_template(template)


def _pre(cut: Cut) -> str:
    """llama.cpp's name of how a text is cut before BPE."""
    steps = cut.pretokenizers or (cut,)
    kinds = [step.type for step in steps]
    if kinds == ["ByteLevel"]:
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and steps[0].individual_digits:
        return "smollm"
    raise BadInput(
        f"this export knows tokenizers that cut a text as GPT-2 or SmolLM do, and this one does it by {kinds}; convert the "
        "folder that `ninefold export --form hugging_face` writes with llama.cpp's convert_hf_to_gguf.py"
    )


def _tensors(checkpoint: Path, shape: Shape) -> "list[tuple[str, np.ndarray]]":
    """(GGUF's name, values in float32) of every tensor of the checkpoint."""
    import torch
    from gguf import MODEL_ARCH, get_tensor_name_map
    from safetensors.torch import load_file

    names = get_tensor_name_map(MODEL_ARCH.LLAMA, shape.num_hidden_layers)
    found = []
    for path in sorted(checkpoint.glob("*.safetensors")):
        for key, tensor in sorted(load_file(path).items()):
            name = names.get_name(key, try_suffixes=(".weight",))
            if name is None:
                raise BadInput(f"the checkpoint's tensor {key} has no place in a GGUF file")
            values = tensor.to(torch.float32).numpy()
            if key.endswith(("q_proj.weight", "k_proj.weight")):
                values = _paired(values, shape.num_attention_heads if "q_proj" in key else shape.num_key_value_heads)
            found.append((name, values))
    return found


def _paired(values: "np.ndarray", heads: int) -> "np.ndarray":
    """Rows of each head in the order in which llama.cpp rotates them: the two halves by turns."""
    half = values.shape[0] // heads // 2
    return values.reshape(heads, 2, half, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def _add(writer: "GGUFWriter", name: str, values: "np.ndarray", form: str) -> None:
    from gguf import GGMLQuantizationType, quantize

    kind = GGMLQuantizationType.F32 if values.ndim == 1 else GGMLQuantizationType[form.upper()]
    writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
