"""Candidates without a model that need nothing built."""

from collections.abc import Sequence

from components.core import Baseline, Candidate, Runtime, Task
from components.tasks import kept
from components.text import searched


def shuffled(task: Task, answers: str) -> Candidate:
    """The application that gives each input one of the training answers, whatever was asked. answers: their object"""
    return constant(task, "").model_copy(update={"baseline": Baseline(kind="shuffled", object=answers)})


def constant(task: Task, text: str) -> Candidate:
    """The application that always says `text`: the bar that no honest result may hide behind."""
    return Candidate(
        task=task.kind,
        labels=task.labels,
        abstain=task.abstain,
        own=kept(task),
        runtime=Runtime(engine="baseline"),
        baseline=Baseline(kind="constant", constant=text),
    )


def as_terms(text: str, passages: Sequence[str] = ()) -> str:
    """What a linear model reads: the words that are searched of the input, then of the passages that were retrieved, spaces
    between them."""
    return " ".join(term for part in (text, *passages) for term in searched(part))
