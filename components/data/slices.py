"""The slices a row belongs to: answerable, question type, length, turns, label. They name groups; no figure is made here."""

import re
from collections.abc import Callable

from components.core import Task
from components.tasks import kind_of
from components.text import apart, count
from components.text.turns import SYSTEM, turns_of

WH_WORDS = ("who", "what", "when", "where", "how", "which", "why")
_SYNONYMS = {"whom": "who", "whose": "who"}
# What speakers of Disfl-QA put between a false start and its repair; the question that counts follows the last one.
_REPAIRS = re.compile(
    r"\b(?:no|wait|sorry|rather|actually|instead|i mean|i meant|make that|not that|uh+|um+|er+m?|oops|hold on)\b"
)


GIVEN_LENGTH = (100, 384)
"""Most words of a short text that comes with a question, and of a medium one: longer ones are shown up to there."""


def slices(text: str, answer: str, task: Task) -> dict[str, str]:
    """Slice → value for one row, of those that its kind of task has. text: all of the input"""
    values = {name: SLICES[name](text, answer, task) for name in kind_of(task.kind).slices}
    return {name: value for name, value in values.items() if value}


def length(text: str, task: Task) -> str:
    """short, medium or long, by words; of a text that comes with a question, where there is one."""
    short, medium = GIVEN_LENGTH if task.given else kind_of(task.kind).length
    words = count(apart(text)[0] if task.given else text)
    return "short" if words <= short else "medium" if words <= medium else "long"


def question_type(question: str) -> str:
    """The first question word of the last clause that has one, after the speaker's repairs; else `other`.

    A heuristic: "What does it mean when a prime no when a harmonic series diverges" counts as `when`.
    """
    for clause in reversed(_REPAIRS.split(question.lower())):
        for word in re.findall(r"[a-z]+", clause):
            word = _SYNONYMS.get(word, word)
            if word in WH_WORDS:
                return word
    return "other"


def _turns(text: str) -> str:
    """How often somebody spoke before the answer: 1, 2-3, 4-7 or 8+."""
    spoken = sum(turn.role != SYSTEM for turn in turns_of(text))
    return "1" if spoken <= 1 else "2-3" if spoken <= 3 else "4-7" if spoken <= 7 else "8+"


def _answerable(text: str, answer: str, task: Task) -> str:
    return "" if task.abstain is None else "no" if answer == task.abstain else "yes"


SLICES: dict[str, Callable[[str, str, Task], str]] = {
    "answerable": _answerable,
    "label": lambda text, answer, task: answer,
    "length": lambda text, answer, task: length(text, task),
    "turns": lambda text, answer, task: _turns(text),
    "question_type": lambda text, answer, task: question_type(apart(text, task.given)[1]),
}
"""Name → (text, answer, task) → value; "" where a row has none."""
