"""A comparison grows where its rows settle nothing: a proposal is looked at on n, 2n, 4n … rows until there is a verdict.

The rows of one look are the first of those of the next. All looks that are planned share the level (Bonferroni: of three,
each is judged at a third of it, the bootstrap's interval and the exact test alike), so that at most 5 % of proposals that
are no better are adopted however often they are looked at, and stopping early costs nothing (bench/statistics_looks.py).
Group-sequential bounds (Pocock 1977, O'Brien and Fleming 1979) share the level with less loss, but hold for normal means
with looks planned to scale; the judges here are exact tests of few, lopsided rows, whose dependence nobody tabulated.

"keep" ends the looks as "adopt" does. To go on where the gain that was seen is 0 or less would find little more (of normal
differences with a spread of 0.35, looks at 80 to 500 rows find 0.052 in place of 0.054 four times in five) at twice the rows
for what is no better (467 in place of 229).
Bounds are looked at again by the same sizes (components/evaluation/looks.py). Not covered: rows that depend on each other.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from components.core import LEVEL, Decision

Measured = TypeVar("Measured")


def sizes_of_looks(first: int, at_most: int) -> tuple[int, ...]:
    """n, 2n, 4n … up to `at_most`, which cuts the last look short. first: n, which `at_most` cuts too"""
    sizes = [min(first, at_most)]
    while sizes[-1] < at_most:
        sizes.append(min(2 * sizes[-1], at_most))
    return tuple(sizes)


def settled(
    sizes: Sequence[int], measure: Callable[[int], Measured], judge: Callable[[Measured, float], Decision]
) -> tuple[Decision, Measured]:
    """(The decision of the first look that settles it, else of the last; what was measured for it).

    sizes:   rows of each look that is planned, in growing order
    measure: rows → what is compared on the first so many rows, as a rule the Evidence before and after
    judge:   that and the level of one look → Decision
    """
    for number, rows in enumerate(sizes, 1):
        measured = measure(rows)
        decision = judge(measured, LEVEL / len(sizes))
        if decision.verdict != "not enough evidence" or number == len(sizes):
            return _told(decision, number, sizes), measured
    raise AssertionError("settled: no look is planned")


def _told(decision: Decision, number: int, sizes: Sequence[int]) -> Decision:
    """`decision`, whose reason says on how many rows of how many looks it was made, where several were planned."""
    if len(sizes) == 1:
        return decision
    look = f"look {number} of {len(sizes)}, on {sizes[number - 1]:,} of at most {sizes[-1]:,} rows, at a level of "
    look += f"{LEVEL / len(sizes):.2g} each"
    return decision.model_copy(update={"reason": f"{decision.reason} ({look})"})
