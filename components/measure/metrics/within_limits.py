"""Whether an answer is as short as the contract's `task.at_most` says, in words, sentences or characters of any script."""

from components.text import characters, count, sentences

from . import Case, Definition

COUNTS = {"words": count, "sentences": lambda text: len(sentences(text)), "characters": characters}


def within(answer: str, limits: dict[str, int]) -> bool:
    """Whether `answer` keeps all of `limits` ({"words": 30}) and says anything at all."""
    return bool(answer.strip()) and all(COUNTS[what](answer) <= most for what, most in limits.items())


def _of(case: Case) -> float | None:
    limits = case.task.own.get("at_most")
    return None if limits is None else float(within(case.text, {what: most for what, most in limits.items() if most}))


METRICS = (
    Definition(
        name="within_limits",
        meaning="share of answers no longer than `task.at_most`",
        per_example=_of,
        is_goal=False,
        needs="at_most",
    ),
)
