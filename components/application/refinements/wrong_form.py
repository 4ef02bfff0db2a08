"""Wrong form: what the model said is no answer of its kind of task (no JSON that the schema allows), or no label."""

from collections.abc import Mapping

from components.core import Candidate, Task
from components.tasks import kind_of
from components.text import matching_label

from ..prompt import clean

PACKAGES = ()


def settings(task: Task) -> dict[str, object] | None:
    """{"form": the sentence that tells the form}."""
    kind = kind_of(task.kind)
    return {"form": task.format or kind.words.format(task)} if kind.formed or task.labels else None


def wrong(candidate: Candidate, generated: str, settings: Mapping[str, object]) -> str:
    """See refinements/__init__.py."""
    answer = clean(candidate, generated)
    right = matching_label(candidate.labels, answer) is not None if candidate.labels else bool(answer)
    return "" if right else f"That does not have the form that is asked for. {settings['form']}"
