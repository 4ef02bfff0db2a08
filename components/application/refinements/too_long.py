"""Too long: more words, sentences or characters than the contract's `task.at_most` allows."""

from collections.abc import Mapping

from components.core import Candidate, Task
from components.text import characters, count, sentences

from ..prompt import clean

PACKAGES = ()
COUNTS = {"words": count, "sentences": lambda text: len(sentences(text)), "characters": characters}


def settings(task: Task) -> dict[str, object] | None:
    """{"words": 30}, as the contract has it."""
    limits = {what: most for what, most in (task.own.get("at_most") or {}).items() if most}
    return limits or None


def wrong(candidate: Candidate, generated: str, settings: Mapping[str, object]) -> str:
    """See refinements/__init__.py."""
    answer = clean(candidate, generated)
    for what, most in settings.items():
        has = COUNTS[what](answer)
        if isinstance(most, int) and has > most:
            return f"That is too long: it has {has} {what}, and at most {most} are allowed. Give it again, shorter."
    return ""
