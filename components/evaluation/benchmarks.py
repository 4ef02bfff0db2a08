"""Running benchmark items through lm-eval (EleutherAI, 0.4.13) on an engine that is already loaded, offline and quiet.

lm-eval builds the requests (solved examples first, always the same ones), scores the choices and aggregates; only the
log-likelihoods are ours (likelihoods.py). Packaged samples (items.py) are asked as plain multiple choice, tasks of the hub
(hub.py) as lm-eval describes them. Not covered: generation tasks, chat templates (base and tuned weights see the same plain
text).
"""

import logging
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NotRequired, TypedDict

from components.application import load
from components.core import Candidate, Frozen, Step, Workspace, digest_of, progress
from components.core.hub_task import HubTask
from components.measure.scenarios import Scores

from .hub import fetch_benchmarks, load_tasks
from .items import BENCHMARKS, Drawn, Item, draw, shown_as
from .likelihoods import language_model
from .perturb import with_groups_swapped, with_typos

if TYPE_CHECKING:
    from lm_eval.api.model import TemplateLM

CODE = ("components.evaluation.benchmarks", "components.application.load")


class Asked(Frozen):
    """What is asked of each model: equal for all of a run."""

    rows: dict[str, int]
    """Benchmark → items; 0 leaves it out. Those of a group of the hub are spread over its tasks, or over so many of them as
    there are items."""
    first: dict[str, int] = {}
    """Benchmark → items that were asked before, and are left out; those of the hub are asked anew."""
    shots: int = 0
    """Solved items before each one."""
    typos: tuple[str, ...] = ()
    """Benchmarks whose items are asked a second time, with typing errors."""
    swaps: tuple[str, ...] = ()
    """Benchmarks whose items that name a gender are asked a second time, about the other one."""
    seed: int = 0


def benchmark(candidate: Candidate, asked: Asked, step: Step) -> Scores:
    """Results of `candidate`'s weights (its prompt and retriever play no part) on items of each benchmark.

    Done once for equal weights, items and code (`Step.memo`), so that the base model is measured once for all candidates;
    seconds an item go to `step.measured`. Raises BadInput for an unknown benchmark, MachineFault where the hub's data is
    neither here nor to be had.
    """
    rows = {name: count for name, count in asked.rows.items() if count}
    hub = fetch_benchmarks(rows, step.workspace)
    drawn = {
        name: draw(name, count, step.workspace, asked.seed, asked.shots, asked.first.get(name, 0))
        for name, count in rows.items()
        if name not in hub
    }
    drawn = {name: one for name, one in drawn.items() if one.items}
    rows = {name: count for name, count in rows.items() if name in hub or name in drawn}
    mistyped = {name: _each(one, partial(with_typos, seed=asked.seed)) for name, one in drawn.items() if name in asked.typos}
    swapped = {name: _each(one, with_groups_swapped) for name, one in drawn.items() if name in asked.swaps}
    weights = candidate.model_copy(update={"retriever": None})

    def make(inner: Step) -> Scores:
        with load(weights, inner.store, inner.machine) as application:
            model = language_model(application.engine)
            results: dict[str, Results] = {}
            seconds: dict[str, float] = {}
            figures: dict[str, dict[str, float]] = {}
            for name in progress(list(rows), "benchmarks"):
                started = time.perf_counter()
                if name in hub:
                    results[name], by_task = run_tasks(model, hub[name], rows[name], asked, inner.workspace)
                    figures |= by_task
                else:
                    results[name] = run_items(model, name, drawn[name])
                seconds[name] = round((time.perf_counter() - started) / len(results[name][0]), 4)
            again = {
                name: run_items(model, name, one)[0]
                for name, one in progress(list(mistyped.items()), "benchmarks, mistyped")
            }
            other = {
                name: _of_changed(model, name, drawn[name], one, results[name][0])
                for name, one in progress(list(swapped.items()), "benchmarks, groups swapped")
            }
        inner.measured.update(seconds_an_item=seconds, weights=weights_of(candidate))
        return Scores(
            hits={name: hits for name, (hits, _) in results.items()},
            sure={name: sure for name, (_, sure) in results.items()},
            mistyped=again,
            swapped=other,
            named={name: tuple(_changed(drawn[name], one)) for name, one in swapped.items()},
            centred=tuple(name for name in rows if shown_as(name).centred),
            figures=figures,
        )

    inputs: list[object] = [candidate.model, candidate.adapter, candidate.runtime, drawn, mistyped, swapped]
    inputs += [hub, {name: rows[name] for name in hub}, asked.shots, asked.seed] if hub else []
    return step.memo("benchmark", Scores, inputs, make, code=CODE)


def joined(before: Scores, more: Scores) -> Scores:
    """Results on the items of two looks; those of the hub, and their figures, are of the second look whole."""
    anew = {name for name in more.hits if name not in BENCHMARKS}

    def both(one: Mapping[str, tuple[float, ...]], two: Mapping[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        return {**one, **{name: items if name in anew else (*one.get(name, ()), *items) for name, items in two.items()}}

    shifted = {
        name: tuple(place + len(before.hits[name]) for place in places)
        for name, places in more.named.items()
        if isinstance(places, tuple)
    }
    named = {name: (*_places(before.named.get(name, ())), *places) for name, places in shifted.items()}
    return Scores(
        hits=both(before.hits, more.hits),
        sure=both(before.sure, more.sure),
        mistyped=both(before.mistyped, more.mistyped),
        swapped=both(before.swapped, more.swapped),
        named={**before.named, **named},
        centred=before.centred,
        figures={**before.figures, **more.figures},
    )


def _places(named: tuple[int, ...] | int) -> tuple[int, ...]:
    return named if isinstance(named, tuple) else ()


def weights_of(candidate: Candidate) -> str:
    """Names the weights and the runtime: what a benchmark is asked of."""
    return digest_of([candidate.model, candidate.adapter, candidate.runtime])


def _each(drawn: Drawn, change: Callable[[Item], Item]) -> Drawn:
    return Drawn(items=tuple(change(item) for item in drawn.items), shots=drawn.shots)


def _changed(drawn: Drawn, other: Drawn) -> list[int]:
    return [i for i, (one, two) in enumerate(zip(drawn.items, other.items, strict=True)) if one != two]


def _of_changed(model: "TemplateLM", name: str, drawn: Drawn, other: Drawn, hits: tuple[float, ...]) -> tuple[float, ...]:
    """`hits` with those of the items that differ asked again."""
    changed = _changed(drawn, other)
    if not changed:
        return hits
    again, _ = run_items(model, name, Drawn(items=tuple(other.items[i] for i in changed), shots=drawn.shots))
    hits_again = dict(zip(changed, again, strict=True))
    return tuple(hits_again.get(i, hit) for i, hit in enumerate(hits))


Results = tuple[tuple[float, ...], tuple[float, ...]]
"""(1 where the right choice is the likeliest; the probability of the likeliest), by item."""


class Sample(TypedDict):
    """What lm-eval keeps of an item: its place, (log-likelihood, whether greedy) of each choice, and its task's metrics."""

    doc_id: int
    filtered_resps: list[tuple[float, bool]]
    acc: NotRequired[float]
    em: NotRequired[float]
    f1: NotRequired[tuple[int, int]]
    mcc: NotRequired[tuple[int, int]]


class Evaluation(TypedDict):
    """What lm-eval's `evaluate` returns, as far as it is read."""

    samples: dict[str, list[Sample]]
    results: dict[str, dict[str, float | str]]


def run_items(model: "TemplateLM", name: str, drawn: Drawn) -> Results:
    """Results on a packaged sample's items."""
    from lm_eval.tasks import TaskManager

    _quiet()
    samples = _evaluated(model, TaskManager(include_defaults=False).load([_task(name, drawn)]))["samples"][name]
    return _results(samples)


def run_tasks(
    model: "TemplateLM", tasks: tuple[HubTask, ...], count: int, asked: Asked, workspace: Workspace
) -> tuple[Results, dict[str, dict[str, float]]]:
    """Results on `count` items, spread over `tasks`, and task → lm-eval's own metrics."""
    _quiet()
    shares = spread(tasks, count, asked.seed)
    loaded = load_tasks([task for task, _ in shares], asked.shots, workspace)
    samples = {}
    for task, wanted in shares:
        known = loaded["tasks"][task.name]
        known.set_fewshot_seed(asked.seed)
        order = list(range(len(known.eval_docs)))
        random.Random(asked.seed).shuffle(order)
        samples[task.name] = sorted(order[:wanted])
    result = _evaluated(model, loaded, samples)
    by_task = [_results(result["samples"][name]) for name in samples]
    figures = {
        name: {
            key.split(",")[0]: round(float(value), 6) for key, value in result["results"][name].items() if _is_figure(key)
        }
        for name in samples
    }
    return (tuple(hit for hits, _ in by_task for hit in hits), tuple(one for _, sure in by_task for one in sure)), figures


def spread(tasks: Sequence[HubTask], count: int, seed: int) -> list[tuple[HubTask, int]]:
    """(task, items of it), `count` in all, as evenly as can be; of more tasks than that, `count` are drawn."""
    order = list(range(len(tasks)))
    random.Random(seed).shuffle(order)  # the tasks of a smaller count are among those of a larger one
    drawn = order[:count]
    return sorted(
        ((tasks[i], count // len(drawn) + (place < count % len(drawn))) for place, i in enumerate(drawn)),
        key=lambda share: tasks.index(share[0]),
    )


def _is_figure(key: str) -> bool:
    """Whether a key of lm-eval's results (`acc,none`, `acc_stderr,none`, `alias`) is a metric's."""
    return key.endswith(",none") and not key.endswith("_stderr,none")


def _quiet() -> None:
    import datasets
    import lm_eval.api.task
    from tqdm import tqdm

    datasets.disable_progress_bars()
    lm_eval.api.task.tqdm = partial(tqdm, disable=True)  # its bars have no switch of their own
    logging.getLogger("lm_eval").setLevel(logging.ERROR)


def _evaluated(model: "TemplateLM", tasks: Mapping[str, object], samples: dict[str, list[int]] | None = None) -> Evaluation:
    from lm_eval.evaluator import evaluate

    return evaluate(lm=model, task_dict=tasks, samples=samples, bootstrap_iters=0, log_samples=True, verbosity="ERROR")


def _results(samples: list[Sample]) -> Results:
    ordered = sorted(samples, key=lambda sample: sample["doc_id"])
    return tuple(_hit(sample) for sample in ordered), tuple(_sureness(sample) for sample in ordered)


def _hit(sample: Sample) -> float:
    """Whether lm-eval counts the likeliest choice as right; its F1 and Matthews correlation keep (right, chosen) an item."""
    if "acc" in sample:
        return float(sample["acc"])
    if "em" in sample:
        return float(sample["em"])
    right, chosen = sample["mcc"] if "mcc" in sample else sample["f1"]
    return float(right == chosen)


def _sureness(sample: Sample) -> float:
    scores = [float(score) for score, _ in sample["filtered_resps"]]
    return round(1 / sum(math.exp(score - max(scores)) for score in scores), 6)


def _task(name: str, drawn: Drawn) -> dict[str, object]:
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
