"""Metrics, one file each or each family, found by listing this folder: `METRICS` of a file holds its `Definition`s, and
`NAMES` their names where the file's own is not the only one (core/code.py reads it without loading the file).

A kind of task (components/tasks) names those that are measured for it. All lie in [0, 1], and more is better unless the
definition says otherwise. Not covered: judges, semantic similarity, seconds (application).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from components.core import Example, Row, Task
from components.tasks import Kind, kind_of, names
from components.text import apart

from ..normalise import abstains
from ..statistic import Statistic


class Case(NamedTuple):
    """One answer with what it is judged by."""

    task: Task
    row: Row
    text: str
    """The answer."""
    passages: Sequence[str] | None
    """Ids of what was retrieved, best first; empty where nothing was found, None where nothing was searched."""
    context: Sequence[str]
    """The texts that were put into the prompt."""

    @property
    def kind(self) -> Kind:
        return kind_of(self.task.kind)

    @property
    def asked(self) -> str:
        """The input without the text that comes with it."""
        return apart(self.row.text, self.task.given)[1]

    @property
    def abstained(self) -> bool:
        return abstains(self.task.abstain, self.text)

    @property
    def unanswerable(self) -> bool:
        return abstains(self.task.abstain, self.row.answer)

    @property
    def sources(self) -> Sequence[str]:
        """What the answer may draw on: the context of a question, else the input itself."""
        return self.context if self.kind.asks else (self.row.text,)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One metric, by its value for one answer or over a whole table."""

    name: str
    per_example: Callable[[Case], float | None] | None = None
    """None where it does not apply to an answer."""
    over_table: Callable[[Sequence[Example]], Statistic] | None = None
    """From rows with `answer`, `reference` and, of a kind whose metrics read the input, `text`: what is no mean of values
    per answer."""
    more_is_better: bool = True
    is_goal: bool = True
    """Whether it may be the primary metric: it has a value without a retriever, and never answering is not the best."""
    by_answer: bool = False
    """Over a table: whether every reference that occurs weighs the same, however few rows have it. A test of a gain then
    needs some rows of each."""
    needs: tuple[str, ...] = ()
    """Keys of the contract's `task`: where none of them is there, it has no value."""
    meaning: str = ""
    """What it is of, in the words of a card; "" where its name says it."""

    def __post_init__(self) -> None:
        if (self.per_example is None) == (self.over_table is None):
            raise ValueError(f"metric '{self.name}': give it per_example or over_table, and not both")


def definition(name: str) -> Definition:
    """The metric called `name`; raises KeyError where there is none."""
    return _definitions()[name]


def meaning(name: str) -> str:
    """What metric `name` is of, in the words of a card; "" where nothing more is said, or no metric is called so."""
    metric = _definitions().get(name)
    return metric.meaning if metric else ""


def more_is_better(name: str) -> bool:
    """Whether more of metric `name` is better: not so of what is neither good nor bad, and where no metric is called so."""
    metric = _definitions().get(name)
    return bool(metric and metric.more_is_better)


def by_answer(name: str) -> bool:
    """Whether metric `name` weighs every reference alike (see `Definition`)."""
    metric = _definitions().get(name)
    return bool(metric and metric.by_answer)


def over_table(name: str) -> Callable[[Sequence[Example]], Statistic] | None:
    """How metric `name` follows from a table; None where it is the mean of a column."""
    metric = _definitions().get(name)
    return metric.over_table if metric else None


def per_example(
    task: Task, row: Row, text: str, passages: Sequence[str] | None, context: Sequence[str] = ()
) -> dict[str, float | None]:
    """Every metric of `task.kind` that has a value per example, for the answer `text` (see `Case`)."""
    case = Case(task, row, text, passages, context)
    definitions = [definition(name) for name in case.kind.metrics]
    return {one.name: one.per_example(case) for one in definitions if one.per_example}


class _OfKinds(Mapping[str, tuple[str, ...]]):
    """Looked up when asked: no kind's file is loaded for another's sake."""

    def __getitem__(self, kind: str) -> tuple[str, ...]:
        return kind_of(kind).metrics

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


METRICS: Mapping[str, tuple[str, ...]] = _OfKinds()
"""Names of the metrics of each kind of task."""


def files() -> list[str]:
    """The files of this folder."""
    return sorted(path.stem for place in __path__ for path in Path(place).glob("*.py") if path.stem != "__init__")


@cache
def _definitions() -> dict[str, Definition]:
    known: dict[str, Definition] = {}
    for file in files():
        module = import_module(f".{file}", __package__)
        own = getattr(module, "METRICS", None)
        fits = bool(own) and isinstance(own, tuple) and all(isinstance(one, Definition) for one in own)
        assert fits, f"components/measure/metrics/{file}.py must define METRICS, a tuple of Definitions"
        for one in own or ():
            if one.name != file and one.name not in getattr(module, "NAMES", ()):
                continue  # no step's key would know of it: the tests of this folder refuse such a file
            assert one.name not in known, f"components/measure/metrics/{file}.py: there is a metric '{one.name}' already"
            known[one.name] = one
    return known
