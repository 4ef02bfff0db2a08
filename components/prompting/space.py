"""What a search may propose, and what a proposal costs: a wording of the instruction, demonstrations, calls of the model.

A proposal is judged on training rows that no demonstration is about, never on validation or test. Every call of the model is
counted, an answer that was read before included, so that two searches can be given as many and a resumed one counts as an
unbroken one does. Not covered: elements, methods and ways to read, which halving and growing choose before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import Field

from components.core import Candidate, Evidence, Frozen, Metrics, Split, Step, Task
from components.core.evidence import figure_of
from components.measure import examples
from components.tasks import kind_of

from .drafts import Draft
from .elements import Example
from .halving import calls, key, measured

SOLVED = 0.5
"""The least of the primary metric at which the model counts as right about a demonstration."""


class Writer(Frozen):
    """A model behind an OpenAI-compatible endpoint that writes wordings (search `dspy`). It is shown training rows, so the
    contract must allow that inputs leave this machine (`policy.hosted_models`)."""

    url: str
    """Its endpoint, without `/v1`."""
    model: str
    """Its name there."""
    wordings: int = Field(4, ge=1)
    """How many it is asked for."""


@dataclass
class Space:
    """The choices, and what they are judged by. The empty choice of demonstrations is the draft at hand with its own."""

    draft: Draft
    """The prompt at hand."""
    candidate: Candidate
    wordings: list[str]
    """What may stand in place of `task.instruction`; the first one is the draft's own."""
    demonstrations: dict[str, Example]
    """Training row → how it is shown."""
    shots: int
    """The most of them that a prompt shows; 0: none is chosen."""
    rows: Split
    """Training rows that judge."""
    shown: Split
    """The rows of `demonstrations`."""
    budget: int
    """Calls of the model."""
    task: Task
    metrics: Metrics
    step: Step
    seed: int = 0
    writer: Writer | None = None
    used: int = 0
    """Calls so far."""
    notes: list[str] = field(default_factory=list)
    known: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    """(digest of a candidate, of rows) → what was measured."""

    def built(self, wording: int, shown: Sequence[str] = ()) -> Draft:
        """The draft that says `wordings[wording]` and shows the rows `shown`, as solved turns of the method few_shot."""
        elements = self.draft.elements
        if wording:
            asked = self.task.model_copy(update={"instruction": self.wordings[wording]})
            elements = elements.model_copy(update={"task": kind_of(self.task.kind).words.instruction(asked)})
        changes: dict[str, object] = {"elements": elements}
        if shown:
            changes |= {"method": "few_shot", "examples": tuple(self.demonstrations[name] for name in shown)}
        return self.draft.model_copy(update=changes)

    def price(self, draft: Draft) -> int:
        """Calls that judging `draft` takes; 0 where it was judged."""
        one = draft.of(self.candidate)
        return 0 if (one.digest, self.rows.object) in self.known else self.rows.count * calls(one)

    @property
    def dearest(self) -> int:
        """Calls for one answer of the dearest draft."""
        drafts = (self.built(0), self.built(0, list(self.demonstrations)[:1]))
        return max(calls(draft.of(self.candidate)) for draft in drafts)

    def worth(self, draft: Draft) -> float:
        """In [0, 2]: the primary metric on `rows`, and 1 more where the contract could release it, as in halving."""
        found = self._measured(draft, self.rows)
        releasable, primary, *_ = key(draft.of(self.candidate), found, self.metrics, "")
        return releasable + primary

    def solves(self, draft: Draft, row: str) -> bool:
        """Whether `draft`, which shows none of them, is right about that demonstration. All of them are asked at once."""
        table = {one["id"]: one for one in examples(self._measured(draft, self.shown), self.step.store)}
        return (figure_of(table[row], self.metrics.primary) or 0.0) >= SOLVED

    def _measured(self, draft: Draft, rows: Split) -> Evidence:
        one = draft.of(self.candidate)
        name = (one.digest, rows.object)
        if name not in self.known:
            self.known[name] = measured(one, rows, self.task, self.step, None)
            self.used += rows.count * calls(one)
        return self.known[name]
