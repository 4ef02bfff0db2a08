"""Plain baselines: applications without a language model, fitted on the training rows, one file each, found by listing this
folder.

A file has `fit(task, metrics, dataset, rows, step) -> Candidate`; rows: training rows it may use (None: all). Which of them
is a task's plain baseline, its kind says (components/tasks). How they answer: components/application/baselines.
"""

from importlib import import_module
from pathlib import Path

from components.core import Candidate, Dataset, Metrics, Step, Task
from components.tasks import kind_of


def names() -> list[str]:
    """The baselines that there are."""
    return sorted(path.stem for place in __path__ for path in Path(place).glob("*.py") if path.stem != "__init__")


def fit(task: Task, metrics: Metrics, dataset: Dataset, rows: int | None, step: Step) -> Candidate:
    """The plain baseline for `task`, as a Candidate that can be measured and released."""
    name = kind_of(task.kind).baseline
    assert name in names(), f"components/tasks/{task.kind}.py: there is no components/selection/baselines/{name}.py"
    fitted: Candidate = import_module(f".{name}", __package__).fit(task, metrics, dataset, rows, step)
    return fitted
