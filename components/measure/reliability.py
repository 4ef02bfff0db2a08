"""How far the probability that a question has no answer is to be believed: reliability curve, Brier score and calibration.

The curve is that of Murphy and Winkler 1977 (doi:10.2307/2346866), the score that of Brier 1950. Bins hold equally many
rows, so that each point rests on as much. Not covered: the probability that an answer which is given is right.
"""

from collections.abc import Sequence
from itertools import pairwise

from components.core import Example, Frozen, Metric, Quoted

from .intervals import interval
from .normalise import abstains
from .scenarios import calibration_error

BINS, IN_BIN = 10, 20
"""At most so many points, each of at least so many rows."""


class Point(Frozen):
    """One bin of the curve."""

    said: float
    """Mean probability of its rows."""
    seen: Metric
    """Share of them without an answer."""


class Reliability(Frozen):
    """Probabilities beside what came true, on the rows that have one."""

    points: tuple[Point, ...]
    """From the lowest probability to the highest."""
    brier: Metric
    """Mean squared distance between probability and truth: 0 is best."""
    over_share: Metric
    """By how much that is better than saying the rows' own share each time, paired: above 0 is better."""
    calibration_error: Metric


def of_no_answer(table: Sequence[Example], quoted: Quoted | None, abstain: str | None) -> Reliability | None:
    """The reliability of `quoted.no_answer` on a per-example table; None where fewer than 20 rows have that probability.

    abstain: the contract's word for "no answer", by which a reference says that there is none
    """
    if quoted is None:
        return None
    asked = ((quoted.no_answer(row["margin"]), abstains(abstain, row["reference"])) for row in table)
    known = [(said, float(seen)) for said, seen in asked if said is not None]
    return reliability([said for said, _ in known], [seen for _, seen in known]) if len(known) >= IN_BIN else None


def reliability(said: Sequence[float], seen: Sequence[float]) -> Reliability:
    """said: a probability a row; seen: 1 where it came true, else 0"""
    rows = sorted(zip(said, seen, strict=True), key=lambda row: row[0])  # what is equally likely stays as it comes
    many = max(1, min(BINS, len(rows) // IN_BIN))
    cuts = [len(rows) * cut // many for cut in range(many + 1)]
    bins = [rows[start:end] for start, end in pairwise(cuts)]
    share = sum(seen) / len(seen)
    errors = [(p - true) ** 2 for p, true in rows]
    constant = [(share - true) ** 2 for _, true in rows]
    return Reliability(
        points=tuple(
            Point(said=round(sum(p for p, _ in one) / len(one), 6), seen=interval([true for _, true in one])) for one in bins
        ),
        brier=interval(errors),
        over_share=interval([flat - own for flat, own in zip(constant, errors, strict=True)], bounded=False),
        calibration_error=calibration_error([true for _, true in rows], [p for p, _ in rows]),
    )
