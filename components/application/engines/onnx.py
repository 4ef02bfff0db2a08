"""ONNX Runtime GenAI in this process: greedy decoding of a quantised checkpoint on the CPU, one prompt after another.

One by one, because with prompts of 250 tokens and answers of 8 nearly all time is prefill, which already fills the cores.
The part of the prompt that no input changes is run once: the generator is rewound to its end before each prompt, so nothing
is copied. Needs no torch, and runs on the CPU whatever `machine.device` says. Not covered: sampling, GPUs, several streams.
"""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.core import BadInput, Candidate, Machine, MissingPackage, Store
from components.core.artifacts import opened

from ..ending import Pieces, as_pieces
from ..prompt import line_breaks, shared_prefixes, token_ids
from ..quotes import Quotes
from ..soft_tokens import soft_ids

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedTokenizerBase

ARCHITECTURES = ()  # it runs what optimization makes
PACKAGES = ("onnxruntime-genai", "onnxruntime", "transformers", "jinja2")
QUOTES = True
CONTEXT = False

SHARED_AT_LEAST = 8
"""Shared prefixes shorter than this are not worth a call of their own."""


class _Generator(Protocol):
    """onnxruntime_genai.Generator, which has no types: what is used of it."""

    def rewind_to(self, length: int) -> None: ...

    def append_tokens(self, tokens: "np.ndarray") -> None: ...

    def generate_next_token(self) -> None: ...

    def get_next_tokens(self) -> "np.ndarray": ...

    def get_output(self, name: str) -> "np.ndarray": ...


class _Parameters(Protocol):
    """onnxruntime_genai.GeneratorParams."""

    def set_search_options(self, **options: float) -> None: ...


class _Config(Protocol):
    """onnxruntime_genai.Config."""

    def overlay(self, options: str) -> None: ...


class _GenAI(Protocol):
    """The package onnxruntime_genai; a model is only handed on."""

    def Config(self, folder: str) -> _Config: ...

    def Model(self, config: _Config) -> object: ...

    def GeneratorParams(self, model: object) -> _Parameters: ...

    def Generator(self, model: object, parameters: _Parameters) -> _Generator: ...


class Engine:
    """See engines/__init__.py. `counted`: prompt tokens and passes of one token, and the seconds spent in each."""

    def __init__(self, candidate: Candidate, store: Store, machine: Machine) -> None:
        if candidate.model is None or candidate.adapter is not None:
            raise BadInput("candidate: engine 'onnx' needs a model with its adapter merged in (stage optimization)")
        folder = opened(store, candidate.model.object, "onnx")
        if not (folder / "genai_config.json").is_file():
            raise BadInput("candidate: engine 'onnx' needs a checkpoint in ONNX Runtime GenAI's form (genai_config.json)")
        self._runtime = _runtime()
        self.tokenizer = _tokenizer(folder)
        described = json.loads((folder / "genai_config.json").read_text())["model"]
        self.window = int(described["context_length"])
        self.vocabulary = int(described["vocab_size"])
        self.model: object = _load(self._runtime, folder, machine.threads)
        self.counted = {"prompt_tokens": 0, "prefill_seconds": 0.0, "decode_passes": 0, "decode_seconds": 0.0}
        self.cut: set[int] = set()
        ends = described["eos_token_id"]
        self._stops = {*(ends if isinstance(ends, list) else [ends]), self.tokenizer.eos_token_id} - {None}
        self._breaks = line_breaks(self.tokenizer)
        self.soft = soft_ids(self.tokenizer)
        self._candidate = candidate
        self._prefixes: list[list[int]] | None = None

    def generate(
        self,
        prompts: list[list[dict[str, str]]],
        max_new_tokens: int,
        first_line: bool = False,
        quotes: Sequence[Quotes] | None = None,
    ) -> list[str]:
        """See engines/__init__.py."""
        ids = self._encode(prompts, max_new_tokens)
        runs = _Runs(self, max(map(len, ids), default=0) + max_new_tokens)
        held: Sequence[Quotes | None] = quotes or [None] * len(ids)
        answers = [
            list(self._decode(runs, row, max_new_tokens, first_line, one)) for row, one in zip(ids, held, strict=True)
        ]
        return [self._text(tokens) for tokens in answers]

    def stream(
        self,
        messages: list[dict[str, str]],
        max_new_tokens: int,
        first_line: bool = False,
        quotes: Quotes | None = None,
    ) -> Pieces:
        """See engines/__init__.py."""
        (row,) = self._encode([messages], max_new_tokens)
        decoded = self._decode(_Runs(self, len(row) + max_new_tokens), row, max_new_tokens, first_line, quotes)
        return (yield from as_pieces(decoded, self._text, max_new_tokens))

    @property
    def end(self) -> str:
        """The token that ends an answer, as text."""
        return str(self.tokenizer.eos_token)

    def score(self, prompts: list[list[dict[str, str]]], texts: Sequence[str]) -> list[list[float]]:
        """Sum of the log-probabilities of each text's tokens after each prompt: [prompts][texts]."""
        endings = [self.tokenizer(text, add_special_tokens=False).input_ids for text in texts]
        longest = max(map(len, endings))
        ids = self._encode(prompts, longest)
        runs = _Runs(self, max(map(len, ids), default=0) + longest)
        return [[round(sum(logs), 5) for logs in runs.follow(row, endings)] for row in ids]

    def follow(self, context: list[int], endings: Sequence[list[int]]) -> list[list[float]]:
        """Log-probabilities of each token of each of `endings` (token ids) right after `context` (token ids)."""
        return _Runs(self, len(context) + max(map(len, endings))).follow(context, endings)

    def close(self) -> None:
        """Free the model."""
        self.model = None

    def _text(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def _encode(self, prompts: list[list[dict[str, str]]], new_tokens: int) -> list[list[int]]:
        ids, self.cut = token_ids(self.tokenizer, prompts, self.window - new_tokens)
        return ids

    def _decode(
        self, runs: "_Runs", row: list[int], max_new_tokens: int, first_line: bool, quotes: Quotes | None
    ) -> Iterator[int]:
        logits = runs.start(row)
        begun, token = False, None
        for _ in range(max_new_tokens):
            start = time.perf_counter()
            later = token is not None
            if quotes is None:
                token = runs.next()
            else:
                logits = runs.say(token) if token is not None else logits
                token = quotes.choose(logits)
            if later:  # the first token comes from the prompt's own pass
                self.counted["decode_passes"] += 1
                self.counted["decode_seconds"] += time.perf_counter() - start
            if token in self._stops or (first_line and begun and token in self._breaks):
                return
            begun = begun or token not in self._breaks
            yield token

    def shared(self, row: list[int]) -> list[int]:
        """The longest shared prefix that `row` starts with; empty where there is none."""
        if self._prefixes is None:
            assert self._candidate.prompt is not None, "load checks that a candidate with a model has a prompt"
            self._prefixes = shared_prefixes(self.tokenizer, self._candidate.prompt, self.window, SHARED_AT_LEAST)
        fitting = [prefix for prefix in self._prefixes if len(row) > len(prefix) and row[: len(prefix)] == prefix]
        return max(fitting, key=len, default=[])


class _Runs:
    """A generator with room for `longest` tokens, run on one prompt after another; what they share stays in it."""

    def __init__(self, engine: Engine, longest: int) -> None:
        runtime = engine._runtime
        parameters = runtime.GeneratorParams(engine.model)
        parameters.set_search_options(max_length=min(longest + 1, engine.window), do_sample=False, batch_size=1)
        self._engine = engine
        self._held: list[int] | None = None
        self._generator = runtime.Generator(engine.model, parameters)

    def start(self, row: list[int]) -> "np.ndarray":
        """Run a prompt; the last position's logits, float32 [vocabulary]."""
        start, counted = time.perf_counter(), self._engine.counted
        prefix = self._engine.shared(row)
        if self._held != prefix or not prefix:
            self._generator.rewind_to(0)
            if prefix:
                self._append(prefix)
        else:
            self._generator.rewind_to(len(prefix))
        self._held = prefix
        logits = self._append(row[len(prefix) :])[-1]
        counted["prompt_tokens"] += len(row)
        counted["prefill_seconds"] += time.perf_counter() - start
        return logits

    def follow(self, row: list[int], endings: Sequence[list[int]]) -> list[list[float]]:
        """See `Engine.follow`. Token by token, since the checkpoints that we build have no logits inside a prompt; what an
        ending begins with as the one before it did is not run again."""
        logs, held = [log_softmax(self.start(row))], list[int]()
        followed = []
        for ending in endings:
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(held, ending[:-1], strict=False)))
            if same < len(held):
                self._generator.rewind_to(len(row) + same)
                del held[same:], logs[same + 1 :]
            for token in ending[same:-1]:
                logs.append(log_softmax(self._append([token])[-1]))
                held.append(token)
            followed.append([float(logs[place][token]) for place, token in enumerate(ending)])
        return followed

    def next(self) -> int:
        """The next greedy token."""
        self._generator.generate_next_token()
        return int(self._generator.get_next_tokens()[0])

    def say(self, token: int) -> "np.ndarray":
        """Go on with `token`; the logits after it."""
        return self._append([token])[-1]

    def _append(self, tokens: list[int]) -> "np.ndarray":
        import numpy as np

        self._generator.append_tokens(np.array(tokens, dtype=np.int32))
        logits = self._generator.get_output("logits")[0]
        if self._engine.soft:  # virtual tokens have no part of the likelihood
            logits = logits.copy()
            logits[:, self._engine.soft] = -np.inf
        return logits


def log_softmax(logits: "np.ndarray") -> "np.ndarray":
    """Log-probabilities, float64, of logits [..., vocabulary]."""
    import numpy as np

    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _runtime() -> _GenAI:
    try:
        import onnxruntime_genai
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime_genai":
            raise
        raise MissingPackage("onnxruntime-genai", "engine 'onnx'") from error
    onnxruntime_genai.disable_telemetry_events()
    return onnxruntime_genai


def _load(runtime: _GenAI, folder: Path, threads: int) -> object:
    config = runtime.Config(str(folder))
    # idle threads that spin hold the core that a neighbour, or the thread they wait for, needs (components/__init__.py)
    options = {"intra_op_num_threads": threads, "session.intra_op.allow_spinning": "0"}
    config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
    return runtime.Model(config)


def _tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
