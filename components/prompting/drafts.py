"""A prompt before it is one: a method, the elements and the examples that it is given, each of which can be exchanged."""

from collections.abc import Sequence

from components.core import Candidate, Frozen, Prompt, Reading, Row, Task

from .elements import Elements, Example
from .methods import METHODS
from .principles import PRINCIPLES


class Draft(Frozen):
    """What a prompt is built from."""

    method: str
    elements: Elements
    examples: tuple[Example, ...]
    reading: Reading | None = None
    """How texts are read that are longer than one prompt; None: whole."""

    @property
    def prompt(self) -> Prompt:
        """It, built."""
        return METHODS[self.method](self.elements, list(self.examples))

    def of(self, candidate: Candidate) -> Candidate:
        """`candidate` with this prompt, read so."""
        return candidate.model_copy(update={"prompt": self.prompt, "reading": self.reading})

    def plus(self, principle: str, task: Task, rows: Sequence[Row]) -> "Draft | None":
        """With one element more; None where it changes nothing of this prompt. rows: those of training"""
        more = self.model_copy(update={"elements": PRINCIPLES[principle](self.elements, task, rows)})
        return None if more.says(self) else more

    def without(self, element: str) -> "Draft | None":
        """Without one of the eight elements (`examples` are one); None where this prompt does not have it."""
        left = {"examples": ()} if element == "examples" else {"elements": self.elements.model_copy(update={element: ""})}
        less = self.model_copy(update=left)
        return None if less.says(self) else less

    def says(self, other: "Draft") -> bool:
        """Whether both make the same prompt of every input."""
        one, two = self.prompt, other.prompt
        return (one.turns, one.delimited, one.answer_marker) == (two.turns, two.delimited, two.answer_marker)
