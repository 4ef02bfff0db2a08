"""Programmatic labels: the contract's labelling functions vote on texts without labels, a label model weighs the votes.

What each function is worth is shown against gold: labelled training rows, never validation or test. Gold's labels are not
used to weigh votes (its label balance is), so the accuracy on them is an honest one.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np
import regex

from components.core import BadInput, Labelling, LabellingFunction, Row, Task
from components.text import stands, units

from .label_model import ABSTAIN, LabelModel, fit, majority, top

SECONDS = 1.0
"""Time that a pattern gets for one text. It ends the run, rather than the vote: results do not depend on a clock."""


class FunctionFigures(TypedDict):
    """What one labelling function did, in shares of the texts, and how often it is right."""

    label: str
    coverage: float | None
    overlap: float | None
    conflict: float | None
    estimated_accuracy: float | None
    gold_accuracy: float | None
    gold_votes: int


class OnGold(TypedDict):
    """Accuracy on the gold rows that have a vote, None without any, and their number."""

    gold_accuracy: float | None
    gold_rows: int


class LabellingFigures(TypedDict):
    """See `label`."""

    texts: int
    labelled: int
    left_out: NotRequired[dict[str, int]]
    """Not in the Dataset's figures, which say it as `dropped`."""
    functions: dict[str, FunctionFigures]
    label_model: OnGold
    majority_vote: OnGold


class Taken(TypedDict):
    """Made rows of one kind that were taken, and reason → how many were not."""

    kept: int
    dropped: dict[str, int]


class LabellingTaken(LabellingFigures, Taken):
    """The same of labelled rows, with the figures of their labelling."""


@dataclass(frozen=True)
class Labelled:
    """labels: (label, probability, votes by function) of each text, or None where it is left out; reasons: why it is, for
    each text. on_gold: the label that each gold row would have had, None where no function votes on it. figures: see
    `label`."""

    labels: list[tuple[str, float, dict[str, str]] | None]
    reasons: list[str | None]
    on_gold: list[str | None]
    figures: LabellingFigures
    notes: tuple[str, ...]


def label(asked: Labelling, task: Task, texts: Sequence[str], gold: Sequence[Row]) -> Labelled:
    """Label `texts`. gold: training rows with labels that people gave; few or none make figures poorer, not labels.

    figures: {"texts", "labelled", "left_out": {reason: count}, "functions": {name: {"label", "coverage", "overlap",
    "conflict", "estimated_accuracy", "gold_accuracy", "gold_votes"}}, "label_model" and "majority_vote":
    {"gold_accuracy", "gold_rows"}}. Coverage, overlap and conflict are shares of the texts on which a function votes, votes
    beside another, and votes against another. Raises BadInput for a pattern that takes too long.
    """
    votes = vote(asked, task, texts)
    truth = np.array([task.labels.index(row.answer) for row in gold], dtype=int)
    balance = np.bincount(truth, minlength=len(task.labels)) + 1.0
    model = fit(votes, len(task.labels), balance / balance.sum())
    probabilities = model.probabilities(votes)
    names = [function.name for function in asked.functions]
    labels: list[tuple[str, float, dict[str, str]] | None] = []
    reasons: list[str | None] = []
    for row, shares in zip(votes, probabilities, strict=True):
        by_function = {name: task.labels[one] for name, one in zip(names, row, strict=True) if one != ABSTAIN}
        reason = "no function votes" if not by_function else "less probable than data.labelling.confidence"
        if by_function and shares.max() >= asked.confidence:
            labels.append((task.labels[int(shares.argmax())], round(float(shares.max()), 6), by_function))
            reasons.append(None)
            continue
        labels.append(None)
        reasons.append(reason)
    left_out = Counter(filter(None, reasons))
    on_gold = vote(asked, task, [row.text for row in gold])
    chances = model.probabilities(on_gold)
    spoken = (on_gold != ABSTAIN).any(1)
    predicted = [task.labels[int(one.argmax())] if any_vote else None for one, any_vote in zip(chances, spoken, strict=True)]
    figures: LabellingFigures = {
        "texts": len(texts),
        "labelled": len(texts) - sum(left_out.values()),
        "left_out": dict(sorted(left_out.items())),
        "functions": _functions(asked, votes, on_gold, truth, model),
        "label_model": _against(top(chances), on_gold, truth),
        "majority_vote": _against(majority(on_gold, len(task.labels)), on_gold, truth),
    }
    return Labelled(labels, reasons, predicted, figures, _notes(figures, model))


def vote(asked: Labelling, task: Task, texts: Sequence[str]) -> np.ndarray:
    """(texts, functions): the number of the label that a function votes for, or ABSTAIN."""
    votes = np.full((len(texts), len(asked.functions)), ABSTAIN)
    for number, function in enumerate(asked.functions):
        speaks = _rule(function, f"data.labelling.functions.{number}.pattern")
        votes[[place for place, text in enumerate(texts) if speaks(text)], number] = task.labels.index(function.label)
    return votes


def _rule(function: LabellingFunction, key: str) -> Callable[[str], bool]:
    wanted = [units(phrase) for phrase in function.any_of]
    vetoed = [units(phrase) for phrase in function.none_of]
    pattern = regex.compile(function.pattern, regex.IGNORECASE) if function.pattern else None

    def speaks(text: str) -> bool:
        spoken = units(text)
        if any(stands(phrase, spoken) for phrase in vetoed):
            return False
        if any(stands(phrase, spoken) for phrase in wanted):
            return True
        try:
            return bool(pattern and pattern.search(text, timeout=SECONDS))
        except TimeoutError as error:
            raise BadInput(
                f"{key}: '{function.pattern}' takes more than {SECONDS:g} s on a text of {len(text):,} characters. Simplify "
                "it: no repetition inside a repetition"
            ) from error

    return speaks


def _functions(
    asked: Labelling, votes: np.ndarray, on_gold: np.ndarray, truth: np.ndarray, model: LabelModel
) -> dict[str, FunctionFigures]:
    estimated = model.accuracies()
    spoken = votes != ABSTAIN
    others = spoken.sum(1, keepdims=True) - spoken
    figures: dict[str, FunctionFigures] = {}
    for number, function in enumerate(asked.functions):
        column, own, gold = votes[:, number], spoken[:, number], on_gold[:, number] != ABSTAIN
        against = (spoken & (votes != column[:, None])).any(1) & own
        correct = (on_gold[:, number] == truth)[gold]
        figures[function.name] = {
            "label": function.label,
            "coverage": _share(own),
            "overlap": _share(own & (others[:, number] > 0)),
            "conflict": _share(against),
            "estimated_accuracy": round(float(estimated[number]), 4) if model.fitted[number] else None,
            "gold_accuracy": _share(correct),
            "gold_votes": int(gold.sum()),
        }
    return figures


def _against(shares: np.ndarray, on_gold: np.ndarray, truth: np.ndarray) -> OnGold:
    """Accuracy on the gold rows that have a vote; a tie of n labels counts as 1/n right."""
    spoken = (on_gold != ABSTAIN).any(1)
    return {"gold_accuracy": _share(shares[np.arange(len(truth)), truth][spoken]), "gold_rows": int(spoken.sum())}


def _share(values: np.ndarray) -> float | None:
    return round(float(np.mean(values)), 4) if len(values) else None


def _notes(figures: LabellingFigures, model: LabelModel) -> tuple[str, ...]:
    ours, plain = figures["label_model"], figures["majority_vote"]
    gold = f"on {ours['gold_rows']} gold rows: the label model {_accuracy(ours)}, majority vote {_accuracy(plain)}"
    lines = [f"programmatic labels: {figures['labelled']:,} of {figures['texts']:,} texts; accuracy {gold}"]
    unknown = [name for name, one in figures["functions"].items() if one["estimated_accuracy"] is None]
    if unknown:
        lines.append(
            f"labelling functions that vote beside too few others to be weighed (taken to be right as often as any): "
            f"{', '.join(unknown)}"
        )
    if not model.converged:
        lines.append("the label model had not converged when it was stopped")
    worse = [
        f"{name} ({one['gold_accuracy']:.2f} of {one['gold_votes']})"
        for name, one in figures["functions"].items()
        if one["gold_accuracy"] is not None and one["gold_accuracy"] < 0.5
    ]
    if worse:
        lines.append(f"labelling functions more often wrong than right on gold: {', '.join(worse)}")
    return tuple(lines)


def _accuracy(figures: OnGold) -> str:
    return "not measured" if figures["gold_accuracy"] is None else f"{figures['gold_accuracy']:.3f}"
