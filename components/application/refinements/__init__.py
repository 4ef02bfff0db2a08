"""Refinements: one more turn for an answer that has a fault: it says what is wrong, and asks again. One file each, found by
listing this folder; `Prompt.refinements` name those that a Candidate has, so that what is served does as what was measured.

A file defines

    PACKAGES: tuple[str, ...]
        Distributions that it needs beside those of every application; a missing one is answered with its install line.
    settings(task: Task) -> dict[str, object] | None
        What it must know of the contract to find the fault, as a Candidate keeps it; None where the task cannot have it.
    wrong(candidate: Candidate, generated: str, settings: Mapping[str, object]) -> str
        What is said to the model about `generated`, its words; "" where they do not have the fault.

The second answer counts where it no longer has the fault, else the first one stands: nothing is asked a third time. What a
structure must be is checked afterwards as before (a broken one is no answer). Self-Refine (Madaan et al. 2023,
arXiv:2303.17651) with a rule in place of the model's own feedback. Not covered: answers held to quotes, which cannot be
longer, of another form or about something else than the passage.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from components.core import Candidate, Task
from components.core.variants import known, require

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
Messages = list[dict[str, str]]


class Fault(Protocol):
    """A file of this folder."""

    PACKAGES: tuple[str, ...]

    def settings(self, task: Task) -> dict[str, object] | None: ...
    def wrong(self, candidate: Candidate, generated: str, settings: Mapping[str, object]) -> str: ...


def fault(name: str) -> Fault:
    """The file called `name`. Raises BadInput where there is none."""
    known(name, NAMES, "prompt.refinements")
    module = import_module(f".{name}", __package__)
    require(module, ("settings", "wrong"), f"refinement '{name}'")
    return cast(Fault, module)


def refined(
    candidate: Candidate,
    asked: Sequence[Messages],
    generated: Sequence[str],
    generate: Callable[[list[Messages]], list[str]],
) -> list[str]:
    """`generated`, the words that answer `asked`, with those replaced that had a fault and lost it when asked again."""
    said = list(generated)
    for one in candidate.prompt.refinements if candidate.prompt else ():
        found = fault(one.fault)
        wrong = {i: ask for i, text in enumerate(said) if (ask := found.wrong(candidate, text, one.settings))}
        again = generate([_again(asked[i], said[i], ask) for i, ask in wrong.items()]) if wrong else []
        for i, text in zip(wrong, again, strict=True):
            if text.strip() and not found.wrong(candidate, text, one.settings):
                said[i] = text
    return said


def _again(asked: Messages, said: str, ask: str) -> Messages:
    return [*asked, {"role": "assistant", "content": said.strip()}, {"role": "user", "content": ask}]
