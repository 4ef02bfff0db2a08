"""The promotion statistics on made rows whose truth is known: false promotions, power, and slices too bad to pass.

Each figure is the share of 2,000 runs (fewer where said) through `compare_tables` and `compare_slices`, which promotion
calls. Rows are like those of real tables: most pairs equal, many zeros and ones, some lopsided. The peer is what decided
before, the bootstrap alone, or for power what was stated. Not covered: rows that depend on each other.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np

from components.core import Comparison, Decision, Example, Metrics
from components.measure import compare_slices, compare_tables
from components.measure.sample_size import POWER, power

from . import Figure

RUNS = 2000
SIZES = (24, 60, 200, 500)
SCORES = np.array([0.0, 1.0, 2 / 3, 1 / 2, 0.4, 0.8, 2 / 7, 1 / 3, 0.25])
SHARES = np.array([0.58, 0.14, 0.06, 0.06, 0.05, 0.03, 0.03, 0.03, 0.02])
"""Token F1 as short answers have it: nearly six in ten share no word with the reference."""
MINIMUM, GAINS = 0.05, (0.05, 0.07)
"""A contract's minimum effect, and gains that were seen; after one of just that, rows are stated for twice it."""
Differences = Callable[[np.random.Generator, tuple[int, ...], float], np.ndarray]


def binary(differ: float) -> Differences:
    """0/1 answers of which a share differs, half of it wins; an effect adds wins, a negative one losses."""

    def differences(draw: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
        kind = draw.random(shape)
        wins, losses = differ / 2 + max(effect, 0), differ / 2 + max(-effect, 0)
        return np.where(kind < wins, 1.0, np.where(kind > 1 - losses, -1.0, 0.0))

    return differences


def graded(differ: float) -> Differences:
    """Token F1, of which a share is drawn anew for the second system; an effect makes some rows right that were wrong."""

    def differences(draw: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
        change = draw.choice(SCORES, shape, p=SHARES) - draw.choice(SCORES, shape, p=SHARES)
        change = change * (draw.random(shape) < differ)
        return np.where(draw.random(shape) < effect, 1.0, change)

    return differences


def rare_wins(draw: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
    """Many small losses outweigh rare wins, but for the effect, which adds wins."""
    kind = draw.random(shape)
    return np.where(kind < 0.03 + effect, 1.0, np.where(kind > 0.8, -0.15, 0.0))


def rare_losses(draw: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
    """Rare losses outweigh many small gains, but for the effect, which adds wins."""
    return np.where(draw.random(shape) < effect, 1.0, -rare_wins(draw, shape, 0.0))


KINDS: dict[str, Differences] = {
    "0/1, 40 % differ": binary(0.4),
    "0/1, 5 % differ": binary(0.05),
    "graded, 70 % drawn anew": graded(0.7),
    "graded, 8 % drawn anew": graded(0.08),
    "graded, no ties": lambda draw, shape, effect: draw.normal(effect, 0.15, shape).clip(-1, 1),
    "many small losses, rare wins": rare_wins,
    "many small gains, rare losses": rare_losses,
}
HARMS: dict[str, Callable[[np.random.Generator, tuple[int, ...], float], np.ndarray]] = {
    "rare losses only": lambda draw, shape, loss: -1.0 * (draw.random(shape) < loss),
    "0/1, 20 % differ": lambda draw, shape, loss: binary(0.2)(draw, shape, -loss),
    "graded, 70 % drawn anew": lambda draw, shape, loss: -graded(0.7)(draw, shape, loss),
    "many small gains, rare losses": lambda draw, shape, loss: np.where(
        draw.random(shape) < (loss + 0.05) / 1.05, -1.0, 0.05
    ),
}
"""Differences whose mean is the loss, below 0."""


def run(step_home: Path) -> dict[str, Figure]:
    """Every figure; the worst setting is named."""
    figures: dict[str, Figure] = {}
    for n in SIZES:
        rates = {name: false_promotions(differences, n, RUNS) for name, differences in KINDS.items()}
        worst = max(rates, key=lambda name: rates[name][0])
        before = max(rate[1] for rate in rates.values())
        figures[f"false promotions, n = {n} (worst of {len(KINDS)}: {worst}), against the bootstrap alone"] = _figure(
            rates[worst][0], before
        )
    for n in SIZES:
        powers = {name: planted_power(differences, n, RUNS // 2) for name, differences in KINDS.items()}
        lowest = min(powers, key=powers.__getitem__)
        figures[f"power at the effect said to suffice, n = {n} (lowest: {lowest}), against the stated"] = _figure(
            powers[lowest], POWER
        )
    for gain in GAINS:
        stated = {name: stated_rows(differences, gain, RUNS // 4) for name, differences in KINDS.items()}
        lowest = min(stated, key=lambda name: stated[name][0])
        words = f"power at the rows said to be needed after a gain of {gain:g}, the least being {MINIMUM:g}"
        figures[f"{words} (lowest: {lowest}, {stated[lowest][1]} rows), against the stated"] = _figure(
            stated[lowest][0], POWER
        )
    for n in SIZES:
        passes = {name: slice_passes(differences, n, RUNS // 2) for name, differences in HARMS.items()}
        worst = max(passes, key=lambda name: passes[name][0])
        figures[f"any slice at the margin called not worse, n = {n} (worst: {worst}), against the level"] = _figure(
            passes[worst][0], 0.05
        )
    return figures


def false_promotions(differences: Differences, n: int, runs: int) -> tuple[float, float]:
    """Share of runs that adopt where the truth is no difference: (now, by the bootstrap's interval alone)."""
    decided = list(decisions(differences, n, runs, 0.0, 0.0))
    interval = [(_comparison(decision).gain.low or 0) > 0 for decision in decided]
    return float(np.mean([decision.adopted for decision in decided])), float(np.mean(interval))


def planted_power(differences: Differences, n: int, runs: int, minimum: float = 0.02) -> float:
    """Share of runs that adopt a true gain of the size that `power` says n rows suffice for."""
    effect = 0.1
    for _ in range(20):  # the spread depends on the effect
        spread = float(differences(np.random.default_rng(1), (200_000,), effect).std())
        needed = power(effect, minimum, spread, n)
        assert needed, "made rows vary"
        effect = needed.detectable
    return float(np.mean([decision.adopted for decision in decisions(differences, n, runs, effect, minimum)]))


def stated_rows(differences: Differences, gain: float, runs: int) -> tuple[float, int]:
    """(Share of runs that adopt a true gain of the size that `power` states rows for, on so many rows; how many these are),
    after `gain` was seen."""
    spread = float(differences(np.random.default_rng(1), (200_000,), max(gain, 2 * MINIMUM)).std())
    needed = power(gain, MINIMUM, spread, 60)
    assert needed, "made rows vary"
    assert needed.rows, "twice the minimum can be shown"
    adopted = [decision.adopted for decision in decisions(differences, needed.rows, runs, needed.effect, MINIMUM)]
    return float(np.mean(adopted)), needed.rows


def decisions(differences: Differences, n: int, runs: int, effect: float, minimum: float) -> Iterator[Decision]:
    """What `compare_tables` decides on each of `runs` made pairs of tables."""
    metrics = Metrics(primary="f1", at_least=0, minimum_effect=minimum)
    for change in differences(np.random.default_rng(n), (runs, n), effect):
        before, after = tables(change)
        yield compare_tables(before, after, metrics, over="made", metric="f1")


def slice_passes(differences: Differences, n: int, runs: int, margin: float = 0.1) -> tuple[float, float]:
    """Share of runs in which (any, every) slice value is called not worse, where each is worse by just the margin."""
    values = np.repeat(["a", "b", "c", "d"], [n // 2, n * 3 // 10, n * 3 // 20, n - n // 2 - n * 3 // 10 - n * 3 // 20])
    passed = []
    for change in differences(np.random.default_rng(n), (runs, n), margin):
        before, after = tables(change, values)
        gains = compare_slices(before, after, ["value"], ["f1"], {"value": margin})
        passed.append([one.verdict == "not worse" for one in gains["value"].values()])
    return float(np.mean(np.any(passed, axis=1))), float(np.mean(np.all(passed, axis=1)))


def example(number: int, figures: Mapping[str, float | None], slices: Mapping[str, str] = {}, **texts: str) -> Example:
    """A row of a per-example table of which nothing but `figures`, `slices` and `texts` (answer, reference) is read."""
    row = Example(
        id=str(number), text="", answer="", reference="", origin="", passage=None, passages=[], scores=[], context=[],
        context_passages=[], margin=None, slices=dict(slices),
    )  # fmt: skip
    return cast(Example, {**row, **texts, **figures})


def tables(change: np.ndarray, values: np.ndarray | None = None) -> tuple[list[Example], list[Example]]:
    """Two tables over the same rows whose `f1` differ by `change`, as far as [0, 1] goes."""
    low = np.clip(-change, 0, 1)
    slices = [{"value": str(value)} for value in values] if values is not None else [dict[str, str]()] * len(change)
    before, after = (
        [example(i, {"f1": float(value)}, slices[i]) for i, value in enumerate(side)] for side in (low, low + change)
    )
    return before, after


def _comparison(decision: Decision) -> Comparison:
    assert decision.comparison, "compare_tables always compares"
    return decision.comparison


def _figure(value: float, against: float) -> Figure:
    return {"value": round(value, 4), "unit": "share", "against": round(against, 4), "ratio": round(value / against, 3)}
