"""Too long: more words, sentences or characters than the contract's `task.at_most` allows."""

from collections.abc import Mapping

from components.core import Candidate, Task
from components.tasks import bounds_of
from components.text import LENGTHS

from ..prompt import clean

PACKAGES = ()


def settings(task: Task) -> dict[str, object] | None:
    """{"words": 30}, as the contract has it."""
    return {**bounds_of(task).get("at_most", {})} or None


def wrong(candidate: Candidate, generated: str, settings: Mapping[str, object]) -> str:
    """See refinements/__init__.py."""
    answer = clean(candidate, generated)
    for what, most in settings.items():
        has = LENGTHS[what](answer)
        if isinstance(most, int) and has > most:
            return f"That is too long: it has {has} {what}, and at most {most} are allowed. Give it again, shorter."
    return ""
