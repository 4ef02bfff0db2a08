"""Running benchmark items through lm-eval (EleutherAI, 0.4.13) on an engine that is already loaded, offline and quiet.

lm-eval builds the requests, scores the choices and aggregates; only the log-likelihoods are ours: its own Hugging Face model
keeps logits at every position (here only the continuation's are computed) and runs one request a choice. Not covered:
generation tasks, chat templates (base and tuned weights see the same plain text).
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from components.application import load
from components.core import BadInput, Candidate, Frozen, Step, progress
from components.measure import interval, of_two_means

from .items import BENCHMARKS, Item, items

BATCH_ROWS = 16
CODE = ("components.evaluation.benchmarks", "components.application.load")


class Scores(Frozen):
    """Per-item results: 1 where the right choice is the likeliest, in the items' order."""

    hits: dict[str, tuple[float, ...]]


def benchmark(candidate: Candidate, rows: dict[str, int], seed: int, step: Step) -> Scores:
    """Results of `candidate`'s weights (its prompt and retriever play no part) on `rows` items of each benchmark.

    Done once for equal weights, items and code (`Step.memo`), so that the base model is measured once for all candidates.
    Raises BadInput for an unknown benchmark.
    """
    drawn = {name: items(name, count, step.workspace, seed) for name, count in rows.items() if count}
    weights = candidate.model_copy(update={"retriever": None})

    def make(inner: Step) -> Scores:
        with load(weights, inner.store, inner.machine) as application:
            return Scores(hits=_run(application.engine, drawn))

    return step.memo("benchmark", Scores, [candidate.model, candidate.adapter, candidate.runtime, drawn], make, code=CODE)


def _run(engine: Any, drawn: dict[str, list[Item]]) -> dict[str, tuple[float, ...]]:
    import datasets
    import lm_eval.api.task
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager
    from tqdm import tqdm

    datasets.disable_progress_bars()
    lm_eval.api.task.tqdm = partial(tqdm, disable=True)  # its bars have no switch of their own
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    manager = TaskManager(include_defaults=False)
    found = {}
    for name, rows in progress(list(drawn.items()), "benchmarks"):
        tasks = manager.load([_task(name, rows)])
        result = evaluate(lm=_model(engine), task_dict=tasks, bootstrap_iters=0, log_samples=True, verbosity="ERROR")
        samples = sorted(result["samples"][name], key=lambda sample: sample["doc_id"])
        found[name] = tuple(float(sample["acc"]) for sample in samples)
    return found


def _task(name: str, rows: list[Item]) -> dict[str, Any]:
    """lm-eval's description of a multiple-choice task over rows in memory: nothing is read, fetched or cached."""
    import datasets

    return {
        "task": name,
        "custom_dataset": lambda **_: {"test": datasets.Dataset.from_list(rows)},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{text}}",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }


def _model(engine: Any) -> Any:
    """`engine` as a model of lm-eval's."""
    from lm_eval.api.model import TemplateLM

    class EngineLM(TemplateLM):
        eot_token_id = engine.tokenizer.eos_token_id
        prefix_token_id = engine.tokenizer.bos_token_id or engine.tokenizer.eos_token_id

        def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
            return engine.tokenizer(string, add_special_tokens=False).input_ids

        def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
            return super().loglikelihood(requests, disable_tqdm=True)

        def _loglikelihood_tokens(self, requests: list[Any], **kwargs: Any) -> list[tuple[float, bool]]:
            pairs = [(tuple(context), tuple(ending)) for _, context, ending in requests]
            scores = _follow(engine, pairs)
            # whether the ending is the greedy one is not asked by any of our metrics
            return [(scores[pair], False) for pair in pairs]

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
            raise BadInput("evaluation.benchmarks: a task that asks for perplexity cannot be run here; take multiple choice")

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
            raise BadInput("evaluation.benchmarks: a task that generates text cannot be run here; take multiple choice")

    return EngineLM()


Tokens = tuple[int, ...]
Pair = tuple[Tokens, Tokens]


def _follow(engine: Any, pairs: Sequence[Pair]) -> dict[Pair, float]:
    """Log-likelihood of each ending after its context; endings of one token that share a context share one run of it."""
    by_context: dict[Tokens, list[Tokens]] = {}
    for context, ending in dict.fromkeys(pairs):
        by_context.setdefault(context, []).append(ending)
    found: dict[Pair, float] = {}
    if hasattr(engine, "follow"):
        for context, endings in by_context.items():
            said = engine.follow(list(context), [list(ending) for ending in endings])
            found |= {(context, ending): sum(scores) for ending, scores in zip(endings, said, strict=True)}
        return found
    runs: list[tuple[Tokens, Tokens, list[Tokens]]] = []
    nothing: Tokens = ()
    for context, endings in by_context.items():
        singles: list[Tokens] = [ending for ending in endings if len(ending) == 1]
        runs += [(context, nothing, singles)] if singles else []
        runs += [(context, ending, [ending]) for ending in endings if len(ending) > 1]
    runs.sort(key=lambda run: (len(run[0]) + len(run[1]), run[0], run[1]))
    for start in range(0, len(runs), BATCH_ROWS):
        found |= _forward(engine, runs[start : start + BATCH_ROWS])
    return found


def _forward(engine: Any, runs: Sequence[tuple[Tokens, Tokens, list[Tokens]]]) -> dict[Pair, float]:
    """One batch, right-padded; logits only at the positions that say the endings' tokens."""
    import torch

    rows = [[*context, *ending[:-1]] for context, ending, _ in runs]
    width = max(map(len, rows))
    pad = engine.tokenizer.pad_token_id or 0
    tokens = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=engine.device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=engine.device)
    found: dict[Pair, float] = {}
    with torch.inference_mode():
        hidden = engine.model.base_model(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
        for i, (context, ending, endings) in enumerate(runs):
            steps = max(1, len(ending))
            states = hidden[i, len(context) - 1 : len(context) - 1 + steps]
            logs = torch.log_softmax(engine.model.get_output_embeddings()(states).float(), -1)
            for one in endings:
                found[context, one] = float(sum(logs[place, token] for place, token in enumerate(one)))
    return found


def changes(before: Scores, after: Scores) -> dict[str, dict[str, Any]]:
    """Benchmark → {"before", "after", "worsening"}: means with 95 % intervals; the worsening is paired over the items."""
    found: dict[str, dict[str, Any]] = {}
    for name, first in before.hits.items():
        second = after.hits[name]
        change = of_two_means(first, second, BENCHMARKS[name].worsening)
        found[name] = {"before": interval(first), "after": interval(second), "worsening": change}
    return found
