"""Encoders of BERT's kind on a CPU: the vectors of sentence-transformers, 1.3 to 1.5 times as many a second in its dtype.

Texts are run in small batches of nearly equal length, so that next to nothing is padding and a layer's states stay in the
processor's cache; queries, keys and values are one product; weights are laid out once as oneDNN wants them, and activation
and residual are done inside the products (torch's own operators for compiled graphs, called directly: a compiler is not
there on every machine). In int8 weights have a scale a row and states one a text, so that each text is run alone and its
vector depends on no other text.

`bert_in` takes what sentence-transformers would do the same with: mean of all tokens, GELU, absolute positions, no prompt.
Others go through sentence-transformers itself (embedder.py). `python -m bench embedding` measures both.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict, cast

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

TOKENS = 512
"""Padded tokens of a batch: more leave the cache (4,096 took a seventh longer), fewer make small products."""
DTYPES = ("float32", "bfloat16", "int8")


class Config(TypedDict):
    """What is read of a checkpoint's `config.json`."""

    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    max_position_embeddings: int
    layer_norm_eps: float


class Product(NamedTuple):
    """A linear layer: states [tokens, in] → [tokens, out]; with GELU behind it; added to other states."""

    plain: "Callable[[Tensor], Tensor]"
    gelu: "Callable[[Tensor], Tensor]"
    added: "Callable[[Tensor, Tensor], Tensor]"


class Norm(NamedTuple):
    """A layer norm."""

    weight: "Tensor"
    bias: "Tensor"


class Layer(NamedTuple):
    """One layer of the encoder."""

    queries_keys_values: Product
    output: Product
    output_norm: Norm
    up: Product
    down: Product
    down_norm: Norm


def bert_in(folder: Path, dtype: str) -> "Bert | None":
    """The encoder in a checkpoint folder of sentence-transformers' form; None where it is not of this kind, or torch has no
    oneDNN here."""
    import torch

    if not torch.backends.mkldnn.is_available() or not _is_plain(folder):
        return None
    if dtype == "bfloat16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    config, asked = cast(Config, _json(folder / "config.json")), _json(folder / "sentence_bert_config.json")
    longest = asked.get("max_seq_length") or _json(folder / "tokenizer_config.json").get("model_max_length")
    window = min(cast("int | None", longest) or config["max_position_embeddings"], config["max_position_embeddings"])
    return Bert(folder, config, int(window), dtype)


def _is_plain(folder: Path) -> bool:
    """Whether the files say nothing that `Bert` does not do."""
    if not all((folder / name).is_file() for name in ("modules.json", "model.safetensors", "tokenizer.json")):
        return False
    config, modules = _json(folder / "config.json"), json.loads((folder / "modules.json").read_text())
    names = [one["type"].rpartition(".")[2] for one in modules]
    return (
        names in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
        and modules[0]["path"] == ""
        and _pools_the_mean(_json(folder / modules[1]["path"] / "config.json"))
        and config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder")
        and not _json(folder / "sentence_bert_config.json").get("do_lower_case")
        and not _json(folder / "config_sentence_transformers.json").get("default_prompt_name")
        and _normalises_as_configured(folder)
    )


def _normalises_as_configured(folder: Path) -> bool:
    """Whether transformers would not change the normalizer of `tokenizer.json` by what `tokenizer_config.json` says."""
    saved, config = _json(folder / "tokenizer.json").get("normalizer"), _json(folder / "tokenizer_config.json")
    saved = saved if isinstance(saved, dict) else {}
    pairs = (("lowercase", "do_lower_case"), ("handle_chinese_chars", "tokenize_chinese_chars"), ("strip_accents",) * 2)
    return all(saved[ours] == config[theirs] for ours, theirs in pairs if ours in saved and theirs in config)


class Bert:
    """An encoder that is loaded."""

    def __init__(self, folder: Path, config: Config, window: int, dtype: str) -> None:
        import torch
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        assert dtype in DTYPES, dtype
        self.window, self.dimensions = window, config["hidden_size"]
        self._heads, self._epsilon = config["num_attention_heads"], config["layer_norm_eps"]
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._alone = dtype == "int8"
        self._dtype = torch.bfloat16 if dtype == "bfloat16" else torch.float32
        weights = {name.removeprefix("bert."): weight for name, weight in load_file(folder / "model.safetensors").items()}
        product = _in_int8 if dtype == "int8" else _prepacked
        with torch.inference_mode():
            names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
            self._words, self._positions, kinds = (weights[f"embeddings.{name}.weight"].float() for name in names)
            self._first = kinds[0]
            self._norm = _norm(weights, "embeddings.LayerNorm", torch.float32)
            self._layers = [
                self._layer(weights, f"encoder.layer.{number}", product) for number in range(config["num_hidden_layers"])
            ]

    def ids(self, texts: Sequence[str], whole: bool = False) -> list[list[int]]:
        """The tokens of each text with the marks around it. whole: those beyond the window too"""
        if whole:
            return [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        self._tokenizer.enable_truncation(max_length=self.window)
        try:
            return [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        finally:
            self._tokenizer.no_truncation()

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """float32 [texts, dimensions]: means over the tokens of each text, of no particular length."""
        import numpy as np
        import torch

        ids, found = self.ids(texts), np.zeros((len(texts), self.dimensions), dtype=np.float32)
        with torch.inference_mode():
            for batch in _batches(ids, alone=self._alone):
                found[batch] = self._means([ids[place] for place in batch]).numpy()
        return found

    def _means(self, rows: Sequence[Sequence[int]]) -> "Tensor":
        import torch
        from torch.nn.functional import layer_norm, scaled_dot_product_attention

        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
        real = torch.arange(width) < torch.tensor([len(row) for row in rows])[:, None]
        states = self._words[ids] + self._first + self._positions[:width]
        states = layer_norm(states, states.shape[-1:], *self._norm, self._epsilon).to(self._dtype)
        hidden, mask = states.view(-1, self.dimensions), None
        if not bool(real.all()):
            mask = torch.zeros(len(rows), 1, 1, width, dtype=self._dtype).masked_fill_(~real[:, None, None], -1e4)
        for layer in self._layers:
            parts = layer.queries_keys_values.plain(hidden).view(len(rows), width, 3, self._heads, -1)
            queries, keys, values = (parts[:, :, part].transpose(1, 2) for part in range(3))
            seen = scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
            seen = seen.transpose(1, 2).reshape(-1, self.dimensions)
            hidden = layer.output.added(seen, hidden)
            hidden = layer_norm(hidden, hidden.shape[-1:], *layer.output_norm, self._epsilon)
            hidden = layer.down.added(layer.up.gelu(hidden), hidden)
            hidden = layer_norm(hidden, hidden.shape[-1:], *layer.down_norm, self._epsilon)
        ended = hidden.view(len(rows), width, -1).float() * real[:, :, None]
        return ended.sum(1) / real.sum(1, keepdim=True)

    def _layer(
        self, weights: "dict[str, Tensor]", name: str, product: "Callable[[Tensor, Tensor, torch.dtype], Product]"
    ) -> Layer:
        import torch

        def joined(*parts: str) -> Product:
            weight, bias = (torch.cat([weights[f"{name}.{part}.{word}"] for part in parts]) for word in ("weight", "bias"))
            return product(weight.float(), bias.float(), self._dtype)

        return Layer(
            joined(*(f"attention.self.{part}" for part in ("query", "key", "value"))),
            joined("attention.output.dense"),
            _norm(weights, f"{name}.attention.output.LayerNorm", self._dtype),
            joined("intermediate.dense"),
            joined("output.dense"),
            _norm(weights, f"{name}.output.LayerNorm", self._dtype),
        )


def _norm(weights: "dict[str, Tensor]", name: str, dtype: "torch.dtype") -> Norm:
    return Norm(weights[f"{name}.weight"].to(dtype), weights[f"{name}.bias"].to(dtype))


def _batches(ids: Sequence[Sequence[int]], alone: bool) -> Iterator[list[int]]:
    """Places of texts of about the same length, short ones first: as many as have `TOKENS` padded tokens; or each alone."""
    batch: list[int] = []
    for place in sorted(range(len(ids)), key=lambda place: len(ids[place])):
        if batch and (alone or (len(batch) + 1) * len(ids[place]) > TOKENS):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _prepacked(weight: "Tensor", bias: "Tensor", dtype: "torch.dtype") -> Product:
    import torch

    linear = torch.ops.mkldnn._linear_pointwise
    packed, bias = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype)), bias.to(dtype)
    return Product(
        lambda states: linear(states, packed, bias, "none", [], ""),
        lambda states: linear(states, packed, bias, "gelu", [], "none"),
        lambda states, others: linear.binary(states, others, packed, bias, "add"),
    )


def _in_int8(weight: "Tensor", bias: "Tensor", dtype: "torch.dtype") -> Product:
    """Weights symmetric by row, states of one text at once over their whole range; sums in float32."""
    import torch

    scales = weight.abs().amax(1).clamp(min=1e-12) / 127
    rounded = torch.round(weight / scales[:, None]).clamp(-127, 127).to(torch.int8)
    packed, zeros = torch.ops.onednn.qlinear_prepack(rounded, None), torch.zeros(len(scales), dtype=torch.int64)

    def product(states: "Tensor", after: str, how: str) -> "Tensor":
        low, high = (float(end) for end in torch.aminmax(states))
        low, high = min(low, 0.0), max(high, 0.0)  # 0 has a value of its own
        scale = (high - low) / 255 or 1.0
        zero = round(-low / scale)
        given = torch.add(zero + 0.5, states, alpha=1 / scale).clamp_(0, 255).to(torch.uint8)
        found: Tensor = torch.ops.onednn.qlinear_pointwise(
            given, scale, zero, packed, scales, zeros, bias, 1.0, 0, torch.float32, after, [], how
        )
        return found

    return Product(
        lambda states: product(states, "none", ""),
        lambda states: product(states, "gelu", "none"),
        lambda states, others: product(states, "none", "").add_(others),
    )


def _pools_the_mean(config: dict[str, object]) -> bool:
    """Whether a pooling of sentence-transformers takes the mean over all tokens, and nothing else."""
    prefix = "pooling_mode_"  # what was saved before version 5 has a key for each way
    ways = [name.removeprefix(prefix) for name, on in config.items() if name.startswith(prefix) and on is True]
    return ways == ["mean_tokens"] or (not ways and config.get("pooling_mode") == "mean")


def _json(file: Path) -> dict[str, object]:
    """What a JSON file holds; nothing where there is none."""
    found: dict[str, object] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found
