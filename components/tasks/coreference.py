"""Texts in which all mentions of one thing are found: clusters of spans, marked in the text with the thing's number.

An answer is the whole text with `[her](1)` for each mention (components/text/marks.py). Numbers say what belongs together.
Not covered: mentions that overlap and do not hold each other, or have a gap; texts over what a model reads at once.
"""

from typing import TypeGuard

from components.core import Frozen, Task
from components.text.marks import Mark, marked_as, span

from . import Kind, Tokens, Words

NUMBER = r"\d{1,4}"
"""What a mark of this kind is labelled with."""


class Fields(Frozen):
    """It has no keys of its own."""


def read_beside(text: str, answer: object) -> str | None:
    """The marked text. answer: it, or a list of clusters, each a list of [start, end] in characters of `text` (end not
    included). None where it marks another text, or spans that cannot be marked."""
    return marked_as(text, answer if isinstance(answer, str) else _of_clusters(answer, len(text)), NUMBER)


def _of_clusters(clusters: object, length: int) -> list[Mark] | None:
    """The spans of clusters, numbered in the order of their first mentions; None where they are none of so long a text."""
    spans = [[span(one, length) for one in each] for each in clusters if each] if _is_lists(clusters) else [[None]]
    if any(one is None for each in spans for one in each):
        return None
    known = sorted(sorted(one for one in each if one) for each in spans)
    return [Mark(start, end, str(number)) for number, each in enumerate(known, 1) for start, end in each]


def _is_lists(value: object) -> TypeGuard[list[list[object]]]:
    return isinstance(value, list) and all(isinstance(one, list) for one in value)


def _format(task: Task) -> str:
    return (
        "Answer with the whole text, unchanged, with each mention in square brackets and the number of the thing that it "
        "means in round ones behind it: [Ann](1) lost [[her](1) bag](2)."
    )


KIND = Kind(
    fields=Fields,
    words=Words(
        asked="Text",
        answered="Marked text",
        format=_format,
        methods={
            "negative": {"do_not": "Do not change, add or leave out words. Do not mark what is mentioned once."},
            "chaining": {
                "narrow": "List the persons and things of the text, each with all its mentions.",
                "found": "Mentions",
            },
            "iterative": {
                "check": "Check the draft: does each mention have the number of what it means, and is the text unchanged? "
                "Give the corrected text only."
            },
        },
        tuned_input="Text: {{input}}",
    ),
    tokens=Tokens(basic=256, prompted=256, tuned=256),
    metrics=("conll_f1", "muc_f1", "b_cubed_f1", "ceaf_e_f1", "text_conll_f1"),
    rated_by="text_conll_f1",
    slices=("length",),
    length=(20, 60),
    baseline="linked_names",
    columns=("text", "coreference"),
    pipeline_tag="token-classification",
    writes=True,
    lines=True,
    read_beside=read_beside,
    unreadable=lambda answer, own: "is neither its text with marks, [Ann](1), nor clusters of [start, end] in the text",
)
