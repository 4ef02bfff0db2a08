"""Training only the upper layers, on states of the frozen lower ones that are computed once.

LoRA on the top k of n layers leaves the first n - k layers as they are, so their output for a row never changes. `split`
makes a model of the top k layers whose "embedding" is those outputs, remembered by token ids: any trainer that feeds
`input_ids` (SFT, DPO) works on it unchanged and pays for the lower layers once instead of every epoch.

Holds for decoder-only models whose body is a plain stack (`model.layers`, causal, right-padded batches): `split` refuses a
model for which the two halves do not give the logits of the whole. Not covered: mixtures of experts, several devices.
"""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel

from components.core import BadInput, progress

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedConfig

FILL_TOKENS = 4096
"""Padded tokens in one forward of the frozen layers."""


class States(Protocol):
    """What a body gives."""

    last_hidden_state: torch.Tensor


class Stack(Protocol):
    """The body of a causal LM as a plain stack of layers: what is used of it."""

    config: "PreTrainedConfig"
    embed_tokens: "nn.Embedding | FrozenPrefix"
    layers: nn.ModuleList
    norm: nn.Module
    _modules: dict[str, nn.Module | None]

    def __call__(
        self,
        *,
        input_ids: torch.Tensor | None,
        inputs_embeds: torch.Tensor | None = None,
        past_key_values: "Cache | None" = None,
        use_cache: bool,
    ) -> States: ...


Body = TypeVar("Body", bound=Stack)
Model = TypeVar("Model", bound=PreTrainedModel)


class FrozenPrefix(nn.Module):
    """Embedding and lower layers as one frozen, memoised embedding: ids [rows, length] → states [rows, length, hidden].

    Rows are right-padded; a causal model's states do not depend on what follows, so padding is not computed.
    """

    def __init__(self, lower: Stack, pad: int) -> None:
        super().__init__()
        self._outside = (lower,)  # a tuple hides it from `parameters()`, PEFT's target search and checkpoints
        self._states: dict[tuple[int, ...], torch.Tensor] = {}
        self._pad = pad

    @property
    def weight(self) -> torch.Tensor:
        """The embedding's own weight, which libraries ask an embedding for."""
        return self._outside[0].embed_tokens.weight

    def fill(self, rows: Sequence[Sequence[int]]) -> None:
        """Compute the states of `rows` in batches that depend on `rows` alone, so that a resumed run gets equal bits."""
        keys = sorted({_key(row, self._pad) for row in rows} - self._states.keys(), key=lambda key: (len(key), key))
        batches: list[list[tuple[int, ...]]] = []
        for key in keys:
            if not batches or (len(batches[-1]) + 1) * len(key) > FILL_TOKENS:
                batches.append([])
            batches[-1].append(key)
        for batch in progress(batches, "running the frozen layers once"):
            self._compute(batch)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        keys = [_key(row, self._pad) for row in input_ids.tolist()]
        for key in dict.fromkeys(key for key in keys if key not in self._states):
            self._compute([key])
        out = self.weight.new_zeros(*input_ids.shape, self.weight.shape[1])
        for place, key in enumerate(keys):
            out[place, : len(key)] = self._states[key]
        return out

    @torch.no_grad()
    def _compute(self, batch: Sequence[tuple[int, ...]]) -> None:
        width = max(map(len, batch))
        ids = torch.tensor([[*key, *[self._pad] * (width - len(key))] for key in batch], device=self.weight.device)
        states = self._outside[0](input_ids=ids, use_cache=False).last_hidden_state
        for place, key in enumerate(batch):
            self._states[key] = states[place, : len(key)].clone()


def split(model: Model, top: int, pad: int) -> Model:
    """`model` (a decoder-only causal LM) with only its top `top` layers, on a FrozenPrefix of the others. Shares weights.

    Raises BadInput where the model is not a plain stack of layers.
    """
    body = getattr(model, "model", None)
    if body is None or not hasattr(body, "layers") or not hasattr(body, "embed_tokens"):
        raise BadInput(f"section 'tuning': {type(model).__name__} is not a plain stack of layers; it cannot be tuned here")
    total = len(body.layers)
    lower, upper = _slice(body, 0, total - top), _slice(body, total - top, total)
    lower.norm = nn.Identity()
    upper.embed_tokens = FrozenPrefix(lower, pad)
    half = copy.copy(model)
    half._modules = {**model._modules, "model": upper}
    half.config = upper.config
    _check(model, half)
    return half


def _slice(body: Body, start: int, end: int) -> Body:
    part = copy.copy(body)
    part._modules = dict(body._modules)
    part.layers = nn.ModuleList(body.layers[start:end])
    part.config = copy.deepcopy(body.config)
    part.config.num_hidden_layers = end - start
    if getattr(part.config, "layer_types", None):
        part.config.layer_types = body.config.layer_types[start:end]
    return part


@torch.no_grad()
def _check(whole: PreTrainedModel, half: PreTrainedModel) -> None:
    """The halves give the whole's logits on a few tokens: bitwise but for kernels that choose by shape."""
    ids = torch.arange(1, 9, device=half.device)[None] % whole.config.vocab_size
    wanted, given = (part(input_ids=ids, use_cache=False).logits.float() for part in (whole, half))
    if (wanted - given).abs().max() > 0.02 * wanted.abs().max():
        raise BadInput(
            f"section 'tuning', key 'layers': {type(whole).__name__} cannot be split into frozen and trained layers; "
            f"set layers: {whole.config.num_hidden_layers}"
        )


def _key(row: Sequence[int], pad: int) -> tuple[int, ...]:
    """A row without its padding. A final end token that equals the padding goes too: nothing is predicted from it."""
    end = len(row)
    while end and row[end - 1] == pad:
        end -= 1
    return tuple(row[:end])
