"""Running benchmark items through lm-eval (EleutherAI, 0.4.13) on an engine that is already loaded, offline and quiet.

lm-eval builds the requests (solved examples first, always the same ones), scores the choices and aggregates; only the
log-likelihoods are ours (likelihoods.py). Not covered: generation tasks, chat templates (base and tuned weights see the same
plain text).
"""

import logging
import math
from functools import partial
from typing import Any

from components.application import load
from components.core import Candidate, Frozen, Step, progress
from components.measure import interval, of_two_means

from .items import BENCHMARKS, Drawn, draw, with_typos
from .likelihoods import language_model

CODE = ("components.evaluation.benchmarks", "components.application.load")


class Scores(Frozen):
    """Per-item results, in the items' order."""

    hits: dict[str, tuple[float, ...]]
    """Benchmark → 1 where the right choice is the likeliest, else 0."""
    sure: dict[str, tuple[float, ...]] = {}
    """Benchmark → probability of the likeliest choice among the choices: what `hits` is held against in calibration."""
    mistyped: dict[str, tuple[float, ...]] = {}
    """Benchmark → `hits` of the same items with typing errors in the question."""


class Asked(Frozen):
    """What is asked of each model: equal for all of a run."""

    rows: dict[str, int]
    """Benchmark → items; 0 leaves it out."""
    shots: int = 0
    """Solved items before each one."""
    typos: tuple[str, ...] = ()
    """Benchmarks whose items are asked a second time, with typing errors."""
    seed: int = 0


def benchmark(candidate: Candidate, asked: Asked, step: Step) -> Scores:
    """Results of `candidate`'s weights (its prompt and retriever play no part) on items of each benchmark.

    Done once for equal weights, items and code (`Step.memo`), so that the base model is measured once for all candidates.
    Raises BadInput for an unknown benchmark.
    """
    drawn = {name: draw(name, count, step.workspace, asked.seed, asked.shots) for name, count in asked.rows.items() if count}
    mistyped = {name: _mistyped(one, asked.seed) for name, one in drawn.items() if name in asked.typos}
    weights = candidate.model_copy(update={"retriever": None})

    def make(inner: Step) -> Scores:
        with load(weights, inner.store, inner.machine) as application:
            model = language_model(application.engine)
            found = {name: run_items(model, name, one) for name, one in progress(list(drawn.items()), "benchmarks")}
            again = {
                name: run_items(model, name, one) for name, one in progress(list(mistyped.items()), "benchmarks, mistyped")
            }
        return Scores(
            hits={name: hits for name, (hits, _) in found.items()},
            sure={name: sure for name, (_, sure) in found.items()},
            mistyped={name: hits for name, (hits, _) in again.items()},
        )

    inputs = [candidate.model, candidate.adapter, candidate.runtime, drawn, mistyped]
    return step.memo("benchmark", Scores, inputs, make, code=CODE)


def _mistyped(drawn: Drawn, seed: int) -> Drawn:
    return Drawn(items=tuple(with_typos(item, seed) for item in drawn.items), shots=drawn.shots)


def run_items(model: Any, name: str, drawn: Drawn) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(1 where the right choice is the likeliest; the probability of the likeliest), by item."""
    import datasets
    import lm_eval.api.task
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager
    from tqdm import tqdm

    datasets.disable_progress_bars()
    lm_eval.api.task.tqdm = partial(tqdm, disable=True)  # its bars have no switch of their own
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks = TaskManager(include_defaults=False).load([_task(name, drawn)])
    result = evaluate(lm=model, task_dict=tasks, bootstrap_iters=0, log_samples=True, verbosity="ERROR")
    samples = sorted(result["samples"][name], key=lambda sample: sample["doc_id"])
    return tuple(float(sample["acc"]) for sample in samples), tuple(_sureness(sample) for sample in samples)


def _sureness(sample: dict[str, Any]) -> float:
    said = [float(score) for score, _ in sample["filtered_resps"]]
    return round(1 / sum(math.exp(score - max(said)) for score in said), 6)


def _task(name: str, drawn: Drawn) -> dict[str, Any]:
    """lm-eval's description of a multiple-choice task over rows in memory: nothing is read, fetched or cached."""
    import datasets

    splits = {"test": drawn.items, **({"solved": drawn.shots} if drawn.shots else {})}
    shots = {"fewshot_split": "solved", "fewshot_config": {"sampler": "first_n"}, "num_fewshot": len(drawn.shots)}
    return {
        "task": name,
        "custom_dataset": lambda **_: {split: datasets.Dataset.from_list(list(rows)) for split, rows in splits.items()},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{text}}",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        **(shots if drawn.shots else {}),
    }


def changes(before: Scores, after: Scores) -> dict[str, dict[str, Any]]:
    """Benchmark → {"before", "after", "worsening"}: means with 95 % intervals; the worsening is paired over the items."""
    found: dict[str, dict[str, Any]] = {}
    for name, first in before.hits.items():
        second = after.hits[name]
        change = of_two_means(first, second, BENCHMARKS[name].worsening)
        found[name] = {"before": interval(first), "after": interval(second), "worsening": change}
    return found
