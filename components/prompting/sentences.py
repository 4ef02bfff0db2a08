"""The sentence that a kind of task has for an element of prompts, filled with the task's own keys."""

from string import Formatter

from components.core import Task
from components.tasks import kind_of


def said(task: Task, element: str) -> str:
    """That sentence; "" where the kind has none, or the contract does not give a key that it names."""
    sentence = kind_of(task.kind).words.elements.get(element, "")
    keys = {name for _, name, _, _ in Formatter().parse(sentence) if name}
    given = {name: str(value) for name, value in task.own.items() if name in keys and value is not None}
    return sentence.format(**given) if keys == set(given) else ""
