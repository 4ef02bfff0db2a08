"""The slices a row belongs to: answerable, question type, length, label. They name groups; no figure is made here."""

import re

from components.core import Task

WH_WORDS = ("who", "what", "when", "where", "how", "which", "why")
_SYNONYMS = {"whom": "who", "whose": "who"}
# What speakers of Disfl-QA put between a false start and its repair; the question that counts follows the last one.
_REPAIRS = re.compile(
    r"\b(?:no|wait|sorry|rather|actually|instead|i mean|i meant|make that|not that|uh+|um+|er+m?|oops|hold on)\b"
)
# Words: thirds of the spoken questions lie near 13 and 18, of film reviews near 150 and 250.
_BOUNDS = {"question_answering": (13, 18), "classification": (150, 250), "summarization": (250, 500)}


def slices(text: str, answer: str, task: Task) -> dict[str, str]:
    """Slice → value for one row."""
    found = {"length": length(text, task)}
    if task.kind == "classification":
        found["label"] = answer
    if task.kind == "question_answering":
        found["question_type"] = question_type(text)
        if task.abstain is not None:
            found["answerable"] = "no" if answer == task.abstain else "yes"
    return found


def length(text: str, task: Task) -> str:
    """short, medium or long, by words."""
    short, medium = _BOUNDS[task.kind]
    words = len(text.split())
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
