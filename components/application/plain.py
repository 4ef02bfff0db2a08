"""Candidates without a model that need nothing built."""

from components.core import Baseline, Candidate, Runtime, Task
from components.tasks import kept


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
