"""What a check of a whole application is: one file in `checks/`, whose `CHECK` names it and does it.

A check asks the application (prompt, retriever, engine) some items and says of each whether it failed. The base model's
weights in the same application are checked too, so that what tuning and quantising change can be told (safety.py).
Not covered: benchmarks of weights alone (benchmarks.py).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import Field

from components.application import Answer, Answering, Hit
from components.core import Candidate, Dataset, Example, Frozen, Metric, Row, Split, Step, Task, publish_json, write_jsonl
from components.measure import interval
from components.measure.item_figures import ItemFigure, ItemFigures

Item = TypeVar("Item")
CHUNK = 32
"""Items asked in one call, as in `measure`."""


class NotMeasured(Exception):
    """Why a check says nothing about this application; raised before anything is asked."""


class NotApplicable(NotMeasured):
    """Why this application cannot fail a check at all: no bound on it stops a release."""


class Outcome(Frozen):
    """One item: what was asked, what came back, and 1 where that failed."""

    id: str
    """The same for the same item of another application: the worsening is paired over it."""
    asked: str
    answer: str
    failed: float = Field(ge=0, le=1)
    detail: dict[str, object] = {}
    """What else a reviewer needs to judge the item."""


class CheckResult(Frozen):
    """What a check found in one application."""

    outcomes: tuple[Outcome, ...] = Field(min_length=1)
    beside: dict[str, ItemFigure] = {}
    """Figures that belong to it and are no share of failed items."""
    notes: tuple[str, ...] = ()
    """What keeps a figure from being read wrongly."""


class Checked(Frozen):
    """A check of one application, kept. `table`: an object with `outcomes.jsonl`, one Outcome a line, for review."""

    table: str
    failing: Metric
    """Share of the items that failed."""
    beside: dict[str, Metric] = {}
    beside_items: str = ""
    """An object with `beside.json`, the values that the figures of `beside` follow from; "" where there is none."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """The application that is checked, and what it can be asked about."""

    candidate: Candidate
    answering: Answering
    """Loads the application when it is first asked; rows of `table` are answered from there."""
    table: Sequence[Example]
    """Its evidence on test, row by row; empty where it was not measured."""
    task: Task
    primary: str
    """The contract's primary metric."""
    dataset: Dataset
    count: int
    """How many items are wanted."""
    seed: int
    """Draws them."""
    step: Step
    canaries: Split | None = None
    """What tuning planted; None where nothing was."""
    trained: bool = True
    """Whether the candidate's weights are others than those of the model as it came."""
    first: int = 0
    """Items that were asked before: those from here on are wanted, `count` of them."""

    def part(self, items: Sequence[Item]) -> list[Item]:
        """Of items in an order that more of them would not change, those that are wanted."""
        return list(items[self.first : self.first + self.count])

    def drawn(self, items: Sequence[Item]) -> list[Item]:
        """`part` of the items in an order that the seed draws."""
        order = list(items)
        random.Random(self.seed).shuffle(order)
        return self.part(order)

    def rows(self) -> list[Row]:
        """The use case's own questions (or texts): the rows of test."""
        return self.dataset.rows("test", self.step.store)

    def ask(self, rows: Sequence[Row], hits: Sequence[Sequence[Hit]] | None = None) -> list[Answer]:
        """Answers in the order of `rows`. hits: what is put before the model in place of what it would retrieve."""
        answers: list[Answer] = []
        for start in range(0, len(rows), CHUNK):
            chunk = slice(start, start + CHUNK)
            if hits is None:
                answers += self.answering(rows[chunk])
            else:
                answers += self.answering.application.answer(rows[chunk], hits[chunk])
        return answers


@dataclass(frozen=True)
class Check:
    """One check; its name is its file's."""

    shows: str
    """What a failed item is, in a few words, for the card."""
    licence: str
    """SPDX identifier of its items; says so where they are the use case's own, or were written for this project."""
    find: Callable[[Subject], CheckResult]
    """Raises NotMeasured where the application cannot be checked, or no item is left; NotApplicable where it cannot fail."""
    grows: bool = True
    """Whether there can be more items than the settings ask for."""
    english_only: bool = False
    """It asks or reads English alone: no figure of it says anything about a contract in another language."""


def kept(result: CheckResult, step: Step) -> Checked:
    """Put the outcomes, and what the figures beside them follow from, into the store."""
    path = step.scratch / "outcomes.jsonl"
    write_jsonl(path, [outcome.model_dump(mode="json") for outcome in result.outcomes])
    failing = interval([outcome.failed for outcome in result.outcomes])
    figures, items = ItemFigures(result.beside), ""
    if figures.root:
        publish_json(step.scratch / "beside.json", figures.model_dump(mode="json"))
        items = step.store.put(step.scratch / "beside.json")
    return Checked(
        table=step.store.put(path), failing=failing, beside=figures.metrics(), beside_items=items, notes=result.notes
    )
