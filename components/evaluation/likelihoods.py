"""An engine that is already loaded as a model of lm-eval's: log-likelihoods of endings after contexts, and nothing else.

What lm-eval's own Hugging Face model runs again for each request is run once: tokens that the contexts of a group start
with (few-shot examples) are run once and their keys and values shared, choices that differ in their last token share a run,
and logits are computed only where they are read. Not covered: generation, perplexity of whole texts.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, NamedTuple, Protocol

from components.application import engine as engine_module
from components.application.soft_tokens import soft_ids
from components.core import BadInput, Candidate

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import TemplateLM
    from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

BATCH = {"cpu": (16, 2048, 256), "cuda": (128, 32_768, 8192)}
"""Device → rows and padded tokens that a batch holds at most, and tokens from which on it is cut rather than padded."""
PADDED = 1.15
"""Padded tokens for each real one, beyond which a batch is cut. Without, 48 % of what was run of a few long items was
padding."""
SHARED_AT_LEAST = 24
"""Contexts that start with so many equal tokens are a group; a shorter prefix costs more to copy than to run again."""

Tokens = tuple[int, ...]
Pair = tuple[Tokens, Tokens]


class Prefix(Protocol):
    """Keys and values that come first: those that an adapter learned, and those of `tokens`, which were run once."""

    tokens: list[int]
    length: int

    def copies(self, rows: int) -> "Cache": ...


class TorchEngine(Protocol):
    """What is used of an engine whose model runs in torch."""

    tokenizer: "PreTrainedTokenizerBase"
    window: int
    device: str
    model: "PreTrainedModel"

    def prefix(self, tokens: list[int]) -> Prefix | None: ...


class FollowingEngine(Protocol):
    """What is used of an engine that gives the log-probabilities itself."""

    tokenizer: "PreTrainedTokenizerBase"
    window: int

    def follow(self, context: list[int], endings: Sequence[list[int]]) -> list[list[float]]: ...


Engine = TorchEngine | FollowingEngine


def continues(candidate: Candidate) -> bool:
    """Whether the engine of `candidate` tells how likely one text is after another, which benchmarks ask for: a classifier
    and an encoder-decoder do not."""
    module = engine_module(candidate.runtime.engine)
    return any(hasattr(module.Engine, word) for word in ("prefix", "follow"))


def language_model(engine: Engine) -> "TemplateLM":
    """`engine` as a model of lm-eval's."""
    from lm_eval.api.model import TemplateLM

    @lru_cache(maxsize=64)  # each choice of an item asks for the item's context again: a third less to tokenise
    def encoded(string: str, special: bool) -> Tokens:
        return tuple(engine.tokenizer(string, add_special_tokens=special).input_ids)

    # a soft prompt comes before everything that the model is asked, as keys and values that were learned do
    soft = tuple(soft_ids(engine.tokenizer))

    class EngineLM(TemplateLM):
        eot_token_id = engine.tokenizer.eos_token_id
        prefix_token_id = eot_token_id if engine.tokenizer.bos_token_id is None else engine.tokenizer.bos_token_id
        begins = str(engine.tokenizer.decode(prefix_token_id))

        def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: object) -> list[int]:
            # the tokenizer's own start of a text (Llama, Gemma, Mistral), once, as lm-eval's Hugging Face model has it
            special = not string.startswith(self.begins) if add_special_tokens is None else add_special_tokens
            return list(encoded(string, special))

        def loglikelihood(self, requests: "list[Instance]", disable_tqdm: bool = True) -> list[tuple[float, bool]]:
            return super().loglikelihood(requests, disable_tqdm=True)

        def _loglikelihood_tokens(
            self, requests: list[tuple[object, list[int], list[int]]], **kwargs: object
        ) -> list[tuple[float, bool]]:
            room = engine.window - len(soft)
            pairs = [_in_window(tuple(context), tuple(ending), room) for _, context, ending in requests]
            pairs = [((*soft, *context), ending) for context, ending in pairs]
            scores = follow(engine, pairs)
            # whether the ending is the greedy one is not asked by any of our metrics
            return [(scores[pair], False) for pair in pairs]

        def loglikelihood_rolling(self, requests: "list[Instance]", disable_tqdm: bool = False) -> list[float]:
            raise BadInput("evaluation.benchmarks: a task that asks for perplexity cannot be run here; take multiple choice")

        def generate_until(self, requests: "list[Instance]", disable_tqdm: bool = False) -> list[str]:
            raise BadInput("evaluation.benchmarks: a task that generates text cannot be run here; take multiple choice")

    return EngineLM()


def _in_window(context: Tokens, ending: Tokens, window: int) -> Pair:
    """The pair with as much of the context's end as fits the model's window; the last token is scored, and not run."""
    if len(ending) > window:
        raise BadInput(
            f"evaluation.benchmarks: a choice of {len(ending)} tokens does not fit the model's window of {window}: leave "
            "the benchmark out"
        )
    return context[-(window + 1 - len(ending)) :], ending


def follow(engine: Engine, pairs: Sequence[Pair]) -> dict[Pair, float]:
    """Log-likelihood of each ending after its context."""
    by_context: dict[Tokens, list[Tokens]] = {}
    for context, ending in dict.fromkeys(pairs):
        by_context.setdefault(context, []).append(ending)
    scores: dict[Pair, float] = {}
    if hasattr(engine, "follow"):
        for context, endings in by_context.items():
            by_token = engine.follow(list(context), [list(ending) for ending in endings])
            scores |= {(context, ending): sum(tokens) for ending, tokens in zip(endings, by_token, strict=True)}
        return scores
    runs: list[Run] = []
    for context, endings in by_context.items():
        by_start: dict[Tokens, list[Tokens]] = {}
        for ending in endings:
            by_start.setdefault(ending[:-1], []).append(ending)
        runs += [Run(context, start, tuple(alike)) for start, alike in by_start.items()]
    for skip, group in _groups(runs):
        prefix = engine.prefix(list(group[0].context[:skip]))
        for batch in _batches(group, skip, *BATCH[engine.device]):
            scores |= _forward(engine, batch, prefix)
    return scores


class Run(NamedTuple):
    """One row of a batch: what is run (`context`, then `start`), and the endings whose tokens its positions tell."""

    context: Tokens
    start: Tokens
    endings: tuple[Tokens, ...]


def _groups(runs: list[Run]) -> Iterator[tuple[int, list[Run]]]:
    """(length of the prefix that all contexts of the group share, the group by length). The last token of a context is
    never part of it: its position tells the ending's first token."""
    by_start: dict[Tokens, list[Run]] = {}
    for run in runs:
        by_start.setdefault(run.context[:SHARED_AT_LEAST], []).append(run)
    alone = [
        by_start.pop(start) for start, group in list(by_start.items()) if len(group) == 1 or len(start) < SHARED_AT_LEAST
    ]
    if alone:  # batched by length: 1,130 tokens a second in place of 950 one by one (SmolLM2-135M in bf16, two cores)
        yield 0, sorted(chain.from_iterable(alone), key=_length)
    for start in sorted(by_start):
        group = sorted(by_start[start], key=_length)
        contexts = [run.context[:-1] for run in group]
        first, last = min(contexts), max(contexts)  # what these two share, all that lie between them share
        yield sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))), group


def _length(run: Run) -> tuple[int, Run]:
    return len(run.context) + len(run.start), run


def _batches(group: list[Run], skip: int, rows: int, tokens: int, least: int) -> Iterator[list[Run]]:
    """The group, by length, in batches of at most `rows` and `tokens`; from `least` tokens on with little padding."""
    batch: list[Run] = []
    real = 0
    for run in group:
        width = len(run.context) + len(run.start) - skip
        padded = (len(batch) + 1) * width
        if batch and (len(batch) == rows or padded > tokens or (real >= least and padded > PADDED * (real + width))):
            yield batch
            batch, real = [], 0
        batch.append(run)
        real += width
    if batch:
        yield batch


def _forward(engine: TorchEngine, runs: Sequence[Run], prefix: Prefix | None) -> dict[Pair, float]:
    """One batch, right-padded after the shared prefix, so that causality alone hides the padding from what is read; logits
    only at the positions that say the endings' tokens, and one copy of what is read of them to the host."""
    import torch

    skip, start = (len(prefix.tokens), prefix.length) if prefix else (0, 0)
    rows = [[*run.context[skip:], *run.start] for run in runs]
    width = max(map(len, rows))
    pad = engine.tokenizer.pad_token_id or 0
    tokens = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=engine.device)
    cache = {"past_key_values": prefix.copies(len(runs)), "use_cache": True} if prefix else {"use_cache": False}
    places = torch.arange(start, start + width, device=engine.device)[None].expand(len(runs), -1)
    wanted = [[place_and_token for ending in run.endings for place_and_token in enumerate(ending)] for run in runs]
    read = torch.tensor(list(chain.from_iterable(wanted)), device=engine.device).split([len(one) for one in wanted])
    logs = []
    with torch.inference_mode():
        out = engine.model.base_model(input_ids=tokens, position_ids=places, **cache)
        for run, hidden, at in zip(runs, out.last_hidden_state, read, strict=True):
            first = len(run.context) - 1 - skip
            states = hidden[first : first + 1 + len(run.start)]
            by_place = torch.log_softmax(engine.model.get_output_embeddings()(states).float(), -1)
            logs.append(by_place[at[:, 0], at[:, 1]])
        scores = iter(torch.cat(logs).cpu())
    pairs = [(run.context, ending) for run in runs for ending in run.endings]
    return {pair: float(sum(islice(scores, len(pair[1])))) for pair in pairs}
