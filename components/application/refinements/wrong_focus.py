"""Wrong focus: more than half of the content words of the contract's `task.focus` stand nowhere in the answer."""

from collections.abc import Mapping

from components.core import Candidate, Task
from components.text import searched

from ..lexical import PACKAGES as NEEDED
from ..prompt import clean

PACKAGES = NEEDED


def settings(task: Task) -> dict[str, object] | None:
    """{"focus": "the costs"}, as the contract has it."""
    return {"focus": task.own["focus"]} if task.own.get("focus") else None


def wrong(candidate: Candidate, generated: str, settings: Mapping[str, object]) -> str:
    """See refinements/__init__.py."""
    focus, answer = str(settings["focus"]), clean(candidate, generated)
    wanted = set(searched(focus))
    if answer == candidate.abstain or 2 * len(wanted - set(searched(answer))) <= len(wanted):
        return ""
    return f"That is not about {focus}. Give it again, about {focus} only."
