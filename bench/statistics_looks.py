"""Looks on made rows whose truth is known: how often what is no better is adopted, and the smallest true gain that is found.

Each run goes through `settled` and `compare_tables`, as stages do, on the kinds of rows of bench/statistics.py: looks at n,
2n, 4n … rows up to all, 500 of them, beside the one look at n that decided before. Some fifteen minutes on a core. Not
covered: rows that depend on each other, and the choice of the best of several methods on rows that then decide
(prompting/halving.py), which more rows dilute.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from components.core import LEVEL, Decision, Example, Metrics
from components.measure import compare_tables, settled, sizes_of_looks

from . import Figure
from .statistics import KINDS, Differences, binary, tables

RUNS, SEARCHED = 400, 100
"""Runs of each kind without a gain; runs of each step of the search for the smallest gain."""
FIRST, MOST = 80, 500
"""Rows of the first look, as the profiles for a laptop have it, and all that a stranger has to decide on."""
PLANS = {"80 to 500": sizes_of_looks(FIRST, MOST), "24 to 192": sizes_of_looks(24, 192)}
FOUND = {"0/1, 12 % differ": binary(0.12), "0/1, 40 % differ": binary(0.4)}
MINIMUM, POWER = 0.02, 0.8
STEPS = 5
"""Halvings of the range in which the smallest gain that is found is looked for: to 0.01."""
Tables = tuple[list[Example], list[Example]]


def run(step_home: Path) -> dict[str, Figure]:
    """False promotions of each plan (the worst kind), and the smallest gain that is found with looks and without."""
    figures: dict[str, Figure] = {}
    for name, sizes in PLANS.items():
        rates = {kind: adopted(differences, sizes, RUNS, 0.0, 0.0) for kind, differences in KINDS.items()}
        worst = max(rates, key=rates.__getitem__)
        words = f"false promotions with looks at {name} rows (worst of {len(rates)}: {worst}), against the level"
        figures[words] = _figure(rates[worst], LEVEL, "share")
    for kind, differences in FOUND.items():
        looked, once = (smallest(differences, sizes) for sizes in (PLANS["80 to 500"], (FIRST,)))
        words = f"smallest gain adopted four times in five with looks at {FIRST} to {MOST} rows, {kind}"
        figures[f"{words}, against one look at {FIRST}"] = _figure(looked, once, "gain")
    return figures


def adopted(differences: Differences, sizes: Sequence[int], runs: int, effect: float, minimum: float) -> float:
    """Share of runs that adopt a true gain of `effect` by looks at `sizes` rows."""
    metrics = Metrics(primary="f1", at_least=0, minimum_effect=minimum)

    def judge(pair: Tables, level: float) -> Decision:
        return compare_tables(*pair, metrics, over="made", metric="f1", level=level)

    def measure(change: np.ndarray, rows: int) -> Tables:
        return tables(change[:rows])

    made = differences(np.random.default_rng(sizes[-1]), (runs, sizes[-1]), effect)
    return float(np.mean([settled(sizes, partial(measure, change), judge)[0].adopted for change in made]))


def smallest(differences: Differences, sizes: Sequence[int]) -> float:
    """The smallest true gain that is adopted four times in five, by halving [0, 0.32]."""
    low, high = 0.0, 0.32
    for _ in range(STEPS):
        middle = (low + high) / 2
        enough = adopted(differences, sizes, SEARCHED, middle, MINIMUM) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


def _figure(value: float, against: float, unit: str) -> Figure:
    return {"value": round(value, 4), "unit": unit, "against": round(against, 4), "ratio": round(value / against, 3)}
