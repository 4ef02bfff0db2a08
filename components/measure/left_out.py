"""What each element of a prompt is worth: the figure with it less the figure without it, on the same rows, for each in turn.

Paired, as compare.py is: the bootstrap's interval and the exact test, in both directions, since an element may do harm. Holm
(1979) corrects the p-values over the elements; each interval is one of 95 % by itself. Not covered: what two elements are
worth together; the luck in the prompt itself, where it was chosen on these very rows, which makes its elements look
somewhat better than they are.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from components.core import LEVEL, Example, Frozen, Metric

from .intervals import paired
from .significance import p_value
from .slices import holm

STEP = "prompting"
"""Begins the name of every step that may leave elements out."""


class LeftOut(Frozen):
    """A prompt without one of its elements."""

    element: str
    without: float
    """The metric without it."""
    difference: Metric
    """What is lost without it: above 0 the element helps. With its 95 % interval."""
    p_value: float
    """Two-sided, corrected over the elements."""
    verdict: Literal["helps", "harms", "not settled"]
    evidence: str
    """Per-example table without it."""


class LeftOutRow(TypedDict):
    """The same for people and machines."""

    step: str
    prompt: str
    """The method of the whole prompt."""
    element: str
    without: float
    difference: dict[str, float | int | None]
    p_value: float
    verdict: str
    evidence: str


def left_out(
    whole: Sequence[Example], without: Mapping[str, tuple[str, Sequence[Example]]], metric: str
) -> tuple[LeftOut, ...]:
    """What each element is worth by `metric`. whole: answers of the whole prompt; without: element → (digest of its table,
    answers of the prompt without it), on the same rows in the same order."""
    pairs = {name: paired(rows, whole, metric) for name, (_, rows) in without.items()}
    tails = [min(p_value(rows, whole, metric), p_value(whole, rows, metric)) for _, rows in without.values()]
    corrected = dict(zip(without, holm([min(1.0, 2 * tail) for tail in tails]), strict=True))
    return tuple(
        LeftOut(
            element=name,
            without=round(pair.before, 6),
            difference=pair.gain,
            p_value=float(f"{corrected[name]:.3g}"),
            verdict=_verdict(pair.gain, corrected[name]),
            evidence=without[name][0],
        )
        for name, pair in pairs.items()
    )


def left_out_rows(results: Mapping[str, Mapping[str, object]]) -> list[LeftOutRow]:
    """The elements that every step left out, in order. results: step → dump of its result"""
    rows = list[LeftOutRow]()
    for step, dump in results.items():
        listed = dump.get("left_out") if step.partition(".")[0] == STEP else None
        for one in map(LeftOut.model_validate, listed if isinstance(listed, (list, tuple)) else ()):
            row: LeftOutRow = {
                "step": step,
                "prompt": str(dump["winner"]),
                "element": one.element,
                "without": one.without,
                "difference": one.difference.model_dump(),
                "p_value": one.p_value,
                "verdict": one.verdict,
                "evidence": one.evidence,
            }
            rows.append(row)
    return rows


def _verdict(difference: Metric, p: float) -> Literal["helps", "harms", "not settled"]:
    low, high = difference.low, difference.high
    if p > LEVEL or low is None or high is None:
        return "not settled"
    return "helps" if low > 0 else "harms" if high < 0 else "not settled"
