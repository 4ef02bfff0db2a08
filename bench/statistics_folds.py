"""Cross-fitting on made rows whose truth is known: how often what is no better is adopted, and the smallest gain found.

Each run draws 500 rows, deals the training rows (`tuning.folds.deal`), trains logistic regressions, and decides as the stage
does: validation, then the training rows too, each answered by the training without its fold. Trainings are real, so the
answers of a fold depend on each other as those of a tuned model do. What is at hand answers as well as the training on all
rows is expected to (measured on 20,000 rows over 200 trainings), less the gain that is asked for: as the best of all lines
between the classes does, but for rows that it takes the other way at random. The peer is validation alone.
Not covered: models that are tuned by steps, whose trainings differ by their order of rows as well.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np

from components.core import LEVEL, Decision, Metrics
from components.measure import compare_tables, settled
from components.tuning.folds import deal

from . import Figure
from .statistics import tables

RUNS, SEARCHED = 600, 200
"""Runs of each kind without a gain; runs of each step of the search for the smallest gain."""
TRAIN, VALIDATION, FOLDS = 340, 80, 4
"""A stranger's 500 rows: these, and 80 of test."""
MINIMUM, POWER, STEPS = 0.02, 0.8, 5
KINDS = {"labels that say nothing": 0.0, "weak features": 0.6, "strong features": 2.0}
"""How far the two classes lie apart on each of the features, in all."""
FEATURES = 20
LUCKY = 0.05
"""Share of the best line's wrong answers that what is at hand gets right."""


def run(step_home: Path) -> dict[str, Figure]:
    """False promotions of each kind, and the smallest gain that is found by folds and by validation alone."""
    figures: dict[str, Figure] = {}
    for kind, apart in KINDS.items():
        by_folds, alone = (promoted(apart, 0.0, RUNS, 0.0, folds) for folds in (FOLDS, 0))
        figures[f"false promotions by {FOLDS} folds, {kind}, against the level"] = _figure(by_folds, LEVEL, "share")
        figures[f"false promotions by validation alone, {kind}, against the level"] = _figure(alone, LEVEL, "share")
    folds, alone = (smallest(KINDS["strong features"], number) for number in (FOLDS, 0))
    words = f"smallest gain adopted four times in five of {TRAIN + VALIDATION} rows by {FOLDS} folds"
    figures[f"{words}, against {VALIDATION} rows of validation alone"] = _figure(folds, alone, "gain")
    return figures


def promoted(apart: float, gain: float, runs: int, minimum: float, folds: int) -> float:
    """Share of runs in which a training that is better by `gain` is adopted. folds: 0 for validation alone"""
    return float(np.mean([one.adopted for one in decisions(apart, gain, runs, minimum, folds)]))


def smallest(apart: float, folds: int) -> float:
    """The smallest true gain that is adopted four times in five, by halving [0, 0.32]."""
    low, high = 0.0, 0.32
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if promoted(apart, middle, SEARCHED, MINIMUM, folds) >= POWER else (middle, high)
    return high


def decisions(apart: float, gain: float, runs: int, minimum: float, folds: int) -> Iterator[Decision]:
    """What is decided on each of `runs` draws of rows."""
    metrics = Metrics(primary="f1", at_least=0, minimum_effect=minimum)
    wrong = _spoiled(apart, gain)
    for number in range(runs):
        draw = np.random.default_rng([number, int(100 * apart)])
        texts, labels = rows(draw, TRAIN + VALIDATION, apart)
        best = (texts.sum(axis=1) > 0) == labels
        before = np.where(best, draw.random(len(labels)) >= wrong, draw.random(len(labels)) < LUCKY).astype(float)
        yield _decided(texts, labels, before, metrics, folds, number)


def _decided(texts: np.ndarray, labels: np.ndarray, before: np.ndarray, metrics: Metrics, folds: int, seed: int) -> Decision:
    """Rows of training stand first."""
    held = slice(TRAIN, None)

    def after(size: int) -> np.ndarray:
        right = fit(texts[:TRAIN], labels[:TRAIN], texts[held]) == labels[held]
        if size == VALIDATION:
            return right.astype(float) - before[held]
        found = np.zeros(TRAIN)
        for part in deal(list(range(TRAIN)), list(range(TRAIN)), [str(one) for one in labels[:TRAIN]], folds, seed):
            kept = np.setdiff1d(np.arange(TRAIN), part)
            found[part] = fit(texts[kept], labels[kept], texts[part]) == labels[part]
        return np.concatenate([right.astype(float) - before[held], found - before[:TRAIN]])

    def judge(change: np.ndarray, level: float) -> Decision:
        return compare_tables(*tables(change), metrics, over="made", metric="f1", level=level)

    sizes = (VALIDATION, VALIDATION + TRAIN) if folds else (VALIDATION,)
    return settled(sizes, after, judge)[0]


def rows(draw: np.random.Generator, count: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """(features, labels of 0 and 1): two normal clouds, `apart` away from each other."""
    labels = draw.integers(0, 2, count)
    return draw.normal(size=(count, FEATURES)) + (labels * 2 - 1)[:, None] * apart / 2 / np.sqrt(FEATURES), labels


def fit(texts: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """What a regression that was trained on the first says of the last."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=200).fit(texts, labels).predict(asked)


def _spoiled(apart: float, gain: float) -> float:
    """Share of the best line's right answers that what is at hand gets wrong."""
    best = NormalDist().cdf(apart / 2)
    return (best + (1 - best) * LUCKY - expected(apart) + gain) / best


@cache
def expected(apart: float) -> float:
    """How often a training on all training rows is right."""
    draw = np.random.default_rng(7)
    asked, labels = rows(draw, 20_000, apart)
    return float(np.mean([np.mean(fit(*rows(draw, TRAIN, apart), asked) == labels) for _ in range(200)]))


def _figure(value: float, against: float, unit: str) -> Figure:
    return {"value": round(value, 4), "unit": unit, "against": round(against, 4), "ratio": round(value / against, 3)}
