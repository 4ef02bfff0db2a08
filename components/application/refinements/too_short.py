"""Too short: fewer words, sentences or characters than the contract's `task.at_least` asks for."""

from collections.abc import Mapping

from components.core import Candidate, Task
from components.tasks import bounds_of
from components.text import LENGTHS

from ..prompt import clean

PACKAGES = ()


def settings(task: Task) -> dict[str, object] | None:
    """{"words": 60}, as the contract has it."""
    return {**bounds_of(task).get("at_least", {})} or None


def wrong(candidate: Candidate, generated: str, settings: Mapping[str, object]) -> str:
    """See refinements/__init__.py."""
    answer = clean(candidate, generated)
    for what, least in settings.items():
        has = LENGTHS[what](answer)
        if isinstance(least, int) and has < least:
            return f"That is too short: it has {has} {what}, and at least {least} are needed. Give it again, longer."
    return ""
