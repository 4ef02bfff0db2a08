"""Duplicates at three levels, each by its switch in `data.duplicates`: documents, sentences, token spans.

Each `find` looks at passages of the base by themselves and at training rows by themselves: a training text that stands in
the base is the task's input, no duplicate. Practice rows are left alone: answers stand in their passages.
"""

from collections.abc import Callable, Sequence
from functools import partial

from components.core import Duplicates

from ..documents import Document, Found
from . import near, sentences, spans

Find = Callable[[Sequence[Document]], Found]


def chosen(rules: Duplicates) -> list[tuple[str, Find]]:
    """(level, find) of the levels that are on, from whole documents to spans."""
    levels: list[tuple[str, Find]] = []
    if rules.documents == "near":
        levels.append(("documents", partial(near.find, rules.similarity)))
    if rules.sentences:
        levels.append(("sentences", partial(sentences.find, rules.sentences)))
    if rules.spans:
        levels.append(("spans", partial(spans.find, rules.spans)))
    return levels
