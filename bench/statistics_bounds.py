"""Bounds and references on made items whose truth is known: false *holds*, and promotions of who learned nothing.

Each figure is the share of runs, at exactly the bound, in which the whole procedure says *holds*: looks at n, 2n, 4n items,
as evaluation plans them, each at its share of the level, until it holds or is far beyond. Then the share of runs in which
candidates that learned nothing but how frequent the answers are would be promoted over the best of the references that
evaluation measures, for each kind of task. The ends of all runs of a setting are computed in one go. The peer is the level.
Not covered: rows that depend on each other.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from bench import Figure
from bench.statistics import KINDS, _figure, example
from components.core import Example, Metrics, Row, Task
from components.evaluation.looks import planned
from components.measure import LEVEL, compare_tables, per_example
from components.measure.answer_kinds import most_frequent
from components.measure.bounded_mean import furthest
from components.measure.bounds import floor, not_worse, off_centre
from components.measure.intervals import statistic

RUNS = 1000
SIZES = (4, 12, 24, 60, 200, 500)
"""Items of the first look of a procedure, which ends at `MOST`."""
LOOKS, MOST = 3, 500
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
"""(a generator, [runs, items]) → values whose mean is exactly the bound."""


def share(bound: float) -> Draw:
    """0/1 items that fail."""
    return lambda draw, shape: (draw.random(shape) < bound).astype(float)


def graded_share(bound: float) -> Draw:
    """Items that fail in part: mostly not at all, some by a little, a rare one wholly."""
    wholly = bound / 4

    def failed(draw: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        kind, partly = draw.random(shape), draw.random(shape)
        little = (bound - wholly) / 0.3 / (1 - wholly)  # mean of the third that fails by a little
        return np.where(kind < wholly, 1.0, np.where(draw.random(shape) < 0.3, np.minimum(1.0, 2 * little * partly), 0.0))

    return failed


def moved(kind: str, bound: float) -> Draw:
    """Paired differences of a kind of the promotion's simulation, whose mean is 0, with a share that fail wholly instead."""
    return lambda draw, shape: np.where(draw.random(shape) < bound, 1.0, -KINDS[kind](draw, shape, 0.0))


AT_THE_BOUND: dict[str, tuple[Draw, float]] = {
    **{f"0/1 items, bound {bound:g}": (share(bound), bound) for bound in (0.02, 0.05, 0.1, 0.3)},
    **{f"graded items, bound {bound:g}": (graded_share(bound), bound) for bound in (0.05, 0.1)},
    **{f"paired, {kind}, bound 0.1": (moved(kind, 0.1), 0.1) for kind in KINDS},
}


def run(step_home: Path) -> dict[str, Figure]:
    """Every figure; the worst setting is named."""
    figures: dict[str, Figure] = {}
    for n in SIZES:
        rates = {name: false_holds(draw, bound, n, RUNS) for name, (draw, bound) in AT_THE_BOUND.items()}
        rates |= {f"preference, {name}": false_centred(*truth, n, RUNS) for name, truth in PREFERENCES.items()}
        figures |= _worst(f"a bound that holds falsely, looks from n = {n}", rates)
    for n in SIZES:
        rates = {name: false_floor(truth, n, RUNS // 5) for name, truth in CLASSIFIERS.items()}
        rates |= {f"precision, {name}": false_precision(truth, n, RUNS) for name, truth in PRECISIONS.items()}
        figures |= _worst(f"a floor of macro-F1 or precision that holds falsely, n = {n}", rates)
    for n in (60, 200):
        rates = {f"macro-F1, {name}": false_as_before(truth, n, RUNS // 5) for name, truth in CLASSIFIERS.items()}
        figures |= _worst(f"an optimised form at the bound called as good, n = {n}", rates)
    for n in (24, 60, 200):
        rates = {name: promoted_for_nothing(*kind, n, RUNS // 5) for name, kind in FREQUENCIES.items()}
        figures |= _worst(f"promoted although only the answers' frequencies were learned, n = {n}", rates)
    return figures


def _worst(what: str, rates: dict[str, float]) -> dict[str, Figure]:
    worst = max(rates, key=rates.__getitem__)
    return {f"{what} (worst of {len(rates)}: {worst}), against the level": _figure(rates[worst], LEVEL)}


def false_holds(draw: Draw, bound: float, n: int, runs: int) -> float:
    """Share of runs that end in *holds* where the true mean is the bound."""
    sizes = planned({"it": n}, LOOKS, MOST).sizes["it"]
    items, held = draw(np.random.default_rng(n), (runs, sizes[-1])), np.zeros(runs, dtype=bool)
    for size in sizes:
        held |= furthest(items[:, :size], LEVEL / len(sizes), 1.0) <= bound
    return float(held.mean())


def false_centred(before: float, after: float, together: float, n: int, runs: int) -> float:
    """The same of preferences of `before` and `after`: by how much further from one half. together: share of the items that
    both models judge by one and the same chance."""
    sizes = planned({"it": n}, LOOKS, MOST).sizes["it"]
    draw, bound = np.random.default_rng(n), abs(after - 0.5) - abs(before - 0.5)
    first, second = draw.random((2, runs, sizes[-1]))
    second = np.where(draw.random(first.shape) < together, first, second)
    one, two, held = (first < before).astype(float), (second < after).astype(float), np.zeros(runs, dtype=bool)
    for size in sizes:
        held |= off_centre(one[:, :size], two[:, :size], LEVEL / len(sizes)) <= bound
    return float(held.mean())


PREFERENCES = {
    "0.50 to 0.55": (0.5, 0.55, 0.8), "0.55 to 0.63": (0.55, 0.63, 0.9), "0.62 to 0.30": (0.62, 0.3, 0.5),
    "0.45 to 0.37": (0.45, 0.37, 0.0),
}  # fmt: skip
Classifier = tuple[Sequence[float], Sequence[float]]
"""(how frequent each label is, how often each is told right; else another one is said, evenly)"""
CLASSIFIERS: dict[str, Classifier] = {
    "two labels, even": ((0.5, 0.5), (0.8, 0.8)), "a label of 10 %": ((0.9, 0.1), (0.9, 0.5)),
    "a label of 10 %, never told": ((0.9, 0.1), (1.0, 0.0)), "a label of 3 %": ((0.97, 0.03), (0.99, 0.5)),
    "three labels": ((0.6, 0.3, 0.1), (0.8, 0.6, 0.3)), "nearly perfect": ((0.5, 0.5), (0.98, 0.98)),
}  # fmt: skip


def labelled(truth: Classifier, n: int, draw: np.random.Generator) -> list[Example]:
    """A table of `n` rows."""
    prior, right = np.array(truth[0]), np.array(truth[1])
    wanted = draw.choice(len(prior), n, p=prior)
    other = (wanted + draw.integers(1, len(prior), n)) % len(prior)
    told = np.where(draw.random(n) < right[wanted], wanted, other)
    pairs = zip(wanted, told, strict=True)
    return [example(i, {}, reference=str(label), answer=str(answer)) for i, (label, answer) in enumerate(pairs)]


def true_macro_f1(truth: Classifier) -> float:
    """Macro-F1 of all rows that there could be."""
    prior, right = np.array(truth[0]), np.array(truth[1])
    told = prior * right + ((prior * (1 - right)).sum() - prior * (1 - right)) / (len(prior) - 1)
    return float(np.mean(2 * prior * right / (prior + told)))


def false_floor(truth: Classifier, n: int, runs: int) -> float:
    """Share of runs in which a floor at the true macro-F1 holds."""
    draw, true = np.random.default_rng(n), true_macro_f1(truth)
    labels = [str(i) for i in range(len(truth[0]))]
    bounds = [floor(labelled(truth, n, draw), "macro_f1", true, labels=labels) for _ in range(runs)]
    return float(np.mean([one is not None and one.verdict == "holds" for one in bounds]))


PRECISIONS = {"a tenth abstained, 0.5 rightly": (0.1, 0.5), "half abstained, 0.9 rightly": (0.5, 0.9)}


def false_precision(truth: tuple[float, float], n: int, runs: int) -> float:
    """Share of runs in which a floor at the true precision holds. truth: (share of rows that have a value, their mean)"""
    draw = np.random.default_rng(n)
    counts = draw.binomial(n, truth[0], runs)
    held = [bool(count) and furthest(_ones(count, truth[1], draw), LEVEL, 0.0) >= truth[1] for count in counts]
    return float(np.mean(held))


def _ones(count: int, mean: float, draw: np.random.Generator) -> np.ndarray:
    return (draw.random(count) < mean).astype(float)


def false_as_before(truth: Classifier, n: int, runs: int) -> float:
    """Share of runs in which a form whose true macro-F1 is lower by the bound is called as good as before."""
    draw = np.random.default_rng(n)
    worse = (truth[0], tuple(one * 0.9 for one in truth[1]))
    bound = true_macro_f1(truth) - true_macro_f1(worse)
    held = []
    for _ in range(runs):
        before = labelled(truth, n, draw)
        lost = draw.random(n) < 0.1
        others = [(int(row["reference"]) + int(draw.integers(1, len(truth[0])))) % len(truth[0]) for row in before]
        after: list[Example] = [
            {**row, "answer": str(other)} if gone and row["answer"] == row["reference"] else row
            for row, gone, other in zip(before, lost, others, strict=True)
        ]
        held.append(not_worse("macro_f1", before, after, bound, labels=[str(i) for i in range(len(truth[0]))]).verdict)
    return float(np.mean([one == "holds" for one in held]))


WORDS = [
    "red",
    "green",
    "blue",
    "north",
    "south",
    "old",
    "new",
    "big",
    "small",
    "first",
    "last",
    "one",
    "two",
    "three",
    "four",
    "five",
]
FREQUENCIES: dict[str, tuple[Task, str, dict[str, float]]] = {
    "question_answering, yes and no": (
        Task(kind="question_answering", instruction="Answer."), "exact_match", {"yes": 0.56, "no": 0.44},
    ),
    "question_answering, a third unanswerable": (
        Task(kind="question_answering", instruction="Answer.", abstain="unknown"), "f1",
        {"unknown": 0.33, **{f"{one} {two}": 0.67 / 64 for one in WORDS[:8] for two in WORDS[8:]}},
    ),
    "classification, accuracy": (
        Task(kind="classification", instruction="Sort.", labels=("a", "b", "c")), "accuracy", {"a": 0.6, "b": 0.3, "c": 0.1},
    ),
    "classification, macro-F1": (
        Task(kind="classification", instruction="Sort.", labels=("a", "b")), "macro_f1", {"a": 0.8, "b": 0.2},
    ),
    "summarization": (
        Task(kind="summarization", instruction="Sum up."), "rouge_l",
        {f"a {one} house, {two} and {three}": 1 / 64 for one in WORDS[:4] for two in WORDS[4:8] for three in WORDS[8:12]},
    ),
}  # fmt: skip
"""Kind of task → its contract's task, primary metric, and how frequent the answers are."""


def promoted_for_nothing(task: Task, metric: str, frequent: dict[str, float], n: int, runs: int) -> float:
    """Share of runs in which a candidate is adopted over the best reference, the larger share of two: one draws answers as
    they are frequent in training, one only the more frequent half. The references are the constant and the shuffled answers.
    """
    draw, metrics = np.random.default_rng(n), Metrics(primary=metric, at_least=0, minimum_effect=0.0)
    answers, chances = list(frequent), np.array(list(frequent.values()))
    figures = {
        (told, wanted): per_example(task, Row(id="0", text="what is it ?", answer=wanted), told, None)
        for told in answers
        for wanted in answers
    }

    def table(wanted: Iterable[str], told: Iterable[str]) -> list[Example]:
        pairs = enumerate(zip(wanted, told, strict=True))
        return [example(i, figures[answer, right], reference=right, answer=answer) for i, (right, answer) in pairs]

    adopted = []
    half = np.argsort(-chances, kind="stable")[: max(1, len(answers) // 2 + len(answers) % 2)]
    for _ in range(runs):
        wanted = draw.choice(answers, n, p=chances / chances.sum())
        taught = draw.choice(answers, 200, p=chances / chances.sum())
        references = [table(wanted, [most_frequent(list(taught))] * n), table(wanted, draw.choice(taught, n))]
        best = max(references, key=lambda rows: _mean(rows, metric))
        likely = chances[half] / chances[half].sum()
        learned = (draw.choice(answers, n, p=chances / chances.sum()), draw.choice(np.array(answers)[half], n, p=likely))
        decided = [compare_tables(best, table(wanted, told), metrics, over="made", metric=metric) for told in learned]
        adopted.append([decision.adopted for decision in decided])
    return float(np.mean(adopted, axis=0).max())


def _mean(rows: list[Example], metric: str) -> float:
    figure = statistic(rows, metric)
    return float(figure.of(figure.columns.sum(0)))
