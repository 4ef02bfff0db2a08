"""Transformers in this process: greedy decoding in length-sorted batches, logits only where they are read.

The part of the prompt that no input changes (system text, examples) is run once and its keys and values are shared by every
prompt. Not covered: sampling, images, several devices. The loop is ours because `generate` keeps rows that are finished,
streams only through a thread, and cannot share that prefix across a padded batch.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from components.core import BadInput, Candidate, Machine, Store
from components.core.memory import give_back

from ..context import refused
from ..ending import Pieces, as_pieces
from ..in_process import batches, device, tokenizer_in
from ..prompt import line_breaks, shared_prefixes, token_ids
from ..quotes import Quotes
from ..soft_tokens import soft_ids
from ..weights import adapted, folders

if TYPE_CHECKING:
    import torch
    from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

ARCHITECTURES = ("decoder",)
PACKAGES = ("torch", "transformers", "safetensors", "jinja2")
QUOTES = True
CONTEXT = True

SHARED_AT_LEAST = 24
"""A shared prefix shorter than this costs more to copy than to run again."""


class _Output(Protocol):
    """What a causal language model of transformers returns when it caches: nothing of it is missing then."""

    logits: "torch.Tensor"
    past_key_values: "Cache"


class Engine:
    """See engines/__init__.py. `model` and `tokenizer` are transformers' own, with what an adapter learned in them or
    beside their weights; keys and values that it learned come before every prompt."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        from ..attention import attend_in_blocks

        if candidate.model is None:
            raise BadInput("candidate: engine 'transformers' needs a model")
        if candidate.runtime.dtype not in ("float32", "bfloat16", "float16"):
            raise BadInput(
                f"candidate: engine 'transformers' runs float32, bfloat16 or float16, not {candidate.runtime.dtype}"
            )
        if reason := refused(candidate, store, machine):
            raise BadInput(f"candidate: {reason}")
        context = candidate.runtime.context
        folder, adapter = folders(candidate, store)
        own = tokenizer_in(folder, machine)
        one = adapted(folder, adapter, candidate.runtime.dtype, context)
        model, self.tokenizer = one.model, one.tokenizer or own
        self.device = device(machine)
        self.model: PreTrainedModel | None = model.eval().to(self.device)
        self._learned = _Prefix([], _cache(one.states, self.device)) if one.states else None
        attend_in_blocks(model, context.window if context else None)
        self.window = context.length if context else int(getattr(model.config, "max_position_embeddings", 2048))
        self.window -= self._learned.length if self._learned else 0
        self.counted = {"prompt_tokens": 0, "prefill_seconds": 0.0, "decode_passes": 0, "decode_seconds": 0.0}
        self.cut: set[int] = set()
        self._stops = _stops(model, self.tokenizer)
        self._soft = soft_ids(self.tokenizer)
        self._breaks = line_breaks(self.tokenizer)
        self._dynamic = [one for one in model.modules() if getattr(one, "rope_type", "") == "dynamic"]
        self._shared = _Prefixes(self, candidate)

    def generate(
        self,
        prompts: list[list[dict[str, str]]],
        max_new_tokens: int,
        first_line: bool = False,
        quotes: Sequence[Quotes] | None = None,
    ) -> list[str]:
        """See engines/__init__.py."""
        ids = self._encode(prompts, max_new_tokens)
        prefix = self._shared.of(ids)
        texts = [""] * len(prompts)
        for batch in batches([len(row) for row in ids], max_new_tokens):
            generated: list[list[int]] = [[] for _ in batch]
            held = [quotes[i] for i in batch] if quotes else None
            for tokens in self._decode([ids[i] for i in batch], max_new_tokens, first_line, prefix, held):
                for row, token in tokens.items():
                    generated[row].append(token)
            for i, answer in zip(batch, generated, strict=True):
                texts[i] = self._text(answer)
        return texts

    def stream(
        self,
        messages: list[dict[str, str]],
        max_new_tokens: int,
        first_line: bool = False,
        quotes: Quotes | None = None,
    ) -> Pieces:
        """See engines/__init__.py."""
        ids = self._encode([messages], max_new_tokens)
        held = [quotes] if quotes else None
        decoded = self._decode(ids, max_new_tokens, first_line, self._shared.of(ids), held)
        return (yield from as_pieces((token for step in decoded for token in step.values()), self._text, max_new_tokens))

    @property
    def end(self) -> str:
        """The token that ends an answer, as text."""
        return str(self.tokenizer.eos_token)

    def score(self, prompts: list[list[dict[str, str]]], texts: Sequence[str]) -> list[list[float]]:
        """Sum of the log-probabilities of each text's tokens after each prompt: [prompts][texts].

        The prompt is run once; each text is then run on its keys and values.
        """
        import torch

        endings = [self.tokenizer(text, add_special_tokens=False).input_ids for text in texts]
        ids = self._encode(prompts, max(map(len, endings)))
        prefix = self._shared.of(ids)
        scores: list[list[float]] = [[] for _ in prompts]
        with torch.inference_mode():
            for batch in batches([len(row) for row in ids], 1):
                state = self._prefill([ids[i] for i in batch], prefix)
                for ending in endings:
                    for i, score in zip(batch, self._ending(state, ending), strict=True):
                        scores[i].append(score)
        return scores

    def prefix(self, tokens: list[int]) -> "_Prefix | None":
        """Keys and values for prompts that start with `tokens`: those that were learned, then those of `tokens`, run once.
        None where there are neither."""
        import torch

        if not tokens:
            return self._learned
        with torch.inference_mode():
            assert self.model is not None, "the engine was closed"
            ids = torch.tensor([tokens], device=self.device)
            past = self._learned.copies(1) if self._learned else None
            out = self.model(input_ids=ids, past_key_values=past, use_cache=True, logits_to_keep=1)
            return _Prefix(tokens, out.past_key_values)

    def close(self) -> None:
        """Free the model."""
        self.model = self._learned = None
        self._shared.forget()
        give_back()

    def _text(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def _encode(self, prompts: list[list[dict[str, str]]], new_tokens: int) -> list[list[int]]:
        ids, self.cut = token_ids(self.tokenizer, prompts, self.window - new_tokens)
        return ids

    def _prefill(self, rows: list[list[int]], prefix: "_Prefix | None") -> "_State":
        """Run the prompts (left-padded after the shared prefix), keeping only the last position's logits."""
        import torch

        start = time.perf_counter()
        self._forget_lengths()
        skip, past = (len(prefix.tokens), prefix.length) if prefix else (0, 0)
        width = max(len(row) for row in rows) - skip
        pad = self.tokenizer.pad_token_id or 0
        tokens = torch.tensor([[pad] * (width + skip - len(row)) + row[skip:] for row in rows], device=self.device)
        mask = torch.tensor([[1] * past + [0] * (width + skip - len(row)) + [1] * (len(row) - skip) for row in rows])
        mask = mask.to(self.device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, past:]
        cache = prefix.copies(len(rows)) if prefix else None
        out = self._forward(tokens, mask, positions, cache)
        self.counted["prompt_tokens"] += sum(map(len, rows))
        self.counted["prefill_seconds"] += time.perf_counter() - start
        return _State(self._last(out), out.past_key_values, mask)

    def _forget_lengths(self) -> None:
        """Dynamic scaling keeps the angles of the longest prompt so far: what was asked before would change an answer."""
        for rope in self._dynamic:
            rope.register_buffer("inv_freq", rope.get_buffer("original_inv_freq"), persistent=False)
            rope.max_seq_len_cached = rope.original_max_seq_len

    def _forward(
        self, tokens: "torch.Tensor", mask: "torch.Tensor", positions: "torch.Tensor", cache: "Cache | None"
    ) -> _Output:
        assert self.model is not None, "the engine was closed"
        output: _Output = self.model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output

    def _last(self, out: _Output) -> "torch.Tensor":
        """Logits of the last positions [rows, vocabulary]. Virtual tokens have no part of the likelihood."""
        logits = out.logits[:, -1].float()
        if self._soft:
            logits[:, self._soft] = float("-inf")
        return logits

    def _decode(
        self,
        rows: list[list[int]],
        max_new_tokens: int,
        first_line: bool,
        prefix: "_Prefix | None",
        quotes: list[Quotes] | None,
    ) -> Iterator[dict[int, int]]:
        """Greedy tokens, one step at a time, as {row: token}; a row that is finished leaves the batch."""
        import torch

        with torch.inference_mode():
            state = self._prefill(rows, prefix)
            alive = list(range(len(rows)))
            begun = [False] * len(rows)
            for step in range(max_new_tokens):
                if quotes:
                    chosen = [quotes[row].choose(logits) for row, logits in zip(alive, state.logits, strict=True)]
                else:
                    chosen = state.logits.argmax(-1).tolist()
                places, tokens = [], {}
                for place, token in enumerate(chosen):
                    row = alive[place]
                    if token in self._stops or (first_line and begun[row] and token in self._breaks):
                        continue
                    begun[row] = begun[row] or token not in self._breaks
                    tokens[row] = token
                    places.append(place)
                yield tokens
                if not places or step == max_new_tokens - 1:
                    return
                if len(places) < len(alive):
                    state = state.select(places)
                    alive = [alive[place] for place in places]
                start = time.perf_counter()
                state = self._step(state, [tokens[row] for row in alive])
                self.counted["decode_passes"] += len(alive)
                self.counted["decode_seconds"] += time.perf_counter() - start

    def _step(self, state: "_State", tokens: list[int]) -> "_State":
        import torch

        mask = torch.cat([state.mask, state.mask.new_ones(len(tokens), 1)], dim=1)
        positions = mask.sum(1, keepdim=True) - 1
        out = self._forward(torch.tensor(tokens, device=self.device)[:, None], mask, positions, state.cache)
        return _State(self._last(out), out.past_key_values, mask)

    def _ending(self, state: "_State", ending: list[int]) -> list[float]:
        import torch

        scores = torch.log_softmax(state.logits, -1)[:, ending[0]]
        after = state
        for before, token in pairwise(ending):
            after = self._step(after, [before] * len(scores))
            scores = scores + torch.log_softmax(after.logits, -1)[:, token]
        if len(ending) > 1:
            state.cache.crop(1 - len(ending))  # negative: so many of the last tokens go
        return [round(float(score), 5) for score in scores]


class _State:
    """Where a batch stands: the last logits [rows, vocabulary], keys and values, the attention mask [rows, length]."""

    def __init__(self, logits: "torch.Tensor", cache: "Cache", mask: "torch.Tensor") -> None:
        self.logits, self.cache, self.mask = logits, cache, mask

    def select(self, places: list[int]) -> "_State":
        import torch

        chosen = torch.tensor(places, device=self.mask.device)
        self.cache.batch_select_indices(chosen)
        return _State(self.logits[chosen], self.cache, self.mask[chosen])


class _Prefix:
    """Keys and values that come before what is run: learned ones, and those of `tokens`, which a prompt starts with."""

    def __init__(self, tokens: list[int], cache: "Cache") -> None:
        self.tokens, self.length, self._cache = tokens, cache.get_seq_length(), cache

    def copies(self, rows: int) -> "Cache":
        import copy

        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(rows)
        return cache


class _Prefixes:
    """The shared prefix of each turn (prompt.py), run at the first question."""

    def __init__(self, engine: Engine, candidate: Candidate) -> None:
        self._found: list[_Prefix] = []
        self._engine, self._candidate = engine, candidate
        self._ready = False

    def of(self, rows: list[list[int]]) -> _Prefix | None:
        """The longest prefix that all of `rows` start with; without one worth it what was learned, or None."""
        if not self._ready:
            self._ready = True
            self._found = self._make()
        fitting = [
            prefix
            for prefix in self._found
            if all(len(row) > len(prefix.tokens) and row[: len(prefix.tokens)] == prefix.tokens for row in rows)
        ]
        return max(fitting, key=lambda prefix: prefix.length) if fitting and rows else self._engine.prefix([])

    def forget(self) -> None:
        """Free the keys and values."""
        self._found = []

    def _make(self) -> list[_Prefix]:
        engine, prompt = self._engine, self._candidate.prompt
        assert prompt is not None, "load checks that a candidate with a model has a prompt"
        if engine._dynamic:  # its angles follow the whole prompt's length
            return []
        shared = shared_prefixes(engine.tokenizer, prompt, engine.window, SHARED_AT_LEAST)
        return [prefix for tokens in shared if (prefix := engine.prefix(tokens))]


def _cache(states: "Sequence[tuple[torch.Tensor, torch.Tensor]]", device: str) -> "Cache":
    """Keys and values of each layer as a cache on `device`."""
    from transformers import DynamicCache

    return DynamicCache([(keys.to(device), values.to(device)) for keys, values in states])


def _stops(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    given = model.generation_config.eos_token_id if model.generation_config else None
    ends = set(given) if isinstance(given, list) else {given}
    return {token for token in ends | {tokenizer.eos_token_id} if token is not None}


for _name in ("torchao", "bitsandbytes"):  # PEFT imports them where they are installed, and they tell what they lack
    logging.getLogger(_name).setLevel(logging.ERROR)
