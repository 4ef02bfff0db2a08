"""Who did what to whom: the predicates of a text with their arguments, each a span with the role that it plays.

An answer is the whole text with `[Ann](1 A0) [sold](1 V)`: the number of the predicate in the order of the text, and the
role (components/text/marks.py); `V` is the predicate itself, other roles are the data's own (PropBank's A0, A1, AM-TMP:
Palmer et al. 2005, doi:10.1162/0891201053630264). Not covered: senses of predicates, arguments in two parts.
"""

from collections.abc import Iterable

from components.core import Frozen, Task
from components.text.marks import Mark, marked_as, span

from . import Kind, Tokens, Words

PREDICATE = "V"
LABEL = r"\d{1,4} [A-Za-z][\w-]{0,30}"
"""Number of a predicate and role."""


class Fields(Frozen):
    """It has no keys of its own."""


def read_beside(text: str, answer: object) -> str | None:
    """The marked text. answer: it, or a list of {"predicate": [start, end], "arguments": [[start, end, role], …]} in
    characters of `text` (ends not included). None where it marks another text, or spans that cannot be marked."""
    return marked_as(text, answer if isinstance(answer, str) else _of_frames(answer, len(text)), LABEL)


def by_number(marks: Iterable[Mark]) -> list[tuple[str, str, Mark]]:
    """(number of the predicate, role, mark) of each."""
    parted = [(mark.label.partition(" "), mark) for mark in marks]
    return [(number, role, mark) for (number, _, role), mark in parted]


def _of_frames(frames: object, length: int) -> list[Mark] | None:
    """The marks of the frames, numbered in the order of their predicates; None where they are none of so long a text."""
    read = [_frame(one, length) for one in frames] if isinstance(frames, list) else [None]
    known = sorted(one for one in read if one is not None)
    if len(known) < len(read):
        return None
    return [Mark(start, end, f"{number} {role}") for number, frame in enumerate(known, 1) for start, end, role in frame]


def _frame(frame: object, length: int) -> list[tuple[int, int, str]] | None:
    """[(start, end, role)], the predicate first; None where it is no frame."""
    if not isinstance(frame, dict) or not isinstance(arguments := frame.get("arguments", []), list):
        return None
    spans = [(span(frame.get("predicate"), length), PREDICATE)]
    for one in arguments:
        if not isinstance(one, list) or len(one) != 3 or not isinstance(one[2], str):
            return None
        spans.append((span(one[:2], length), one[2]))
    placed = [(*place, role) for place, role in spans if place is not None]
    return placed if len(placed) == len(spans) else None


def _format(task: Task) -> str:
    return (
        "Answer with the whole text, unchanged, with each predicate and each of its arguments in square brackets, and in "
        "round ones behind it the number of the predicate and the role: [Ann](1 A0) [sold](1 V) [a bag](1 A1)."
    )


KIND = Kind(
    fields=Fields,
    words=Words(
        asked="Text",
        answered="Marked text",
        format=_format,
        methods={
            "negative": {"do_not": "Do not change, add or leave out words. Do not mark what belongs to no predicate."},
            "chaining": {
                "narrow": "List the predicates of the text, each with who does it, to whom, where and when.",
                "found": "Predicates",
            },
            "iterative": {
                "check": "Check the draft: does each argument have the number of its predicate and the right role, and is "
                "the text unchanged? Give the corrected text only."
            },
        },
        tuned_input="Text: {{input}}",
    ),
    tokens=Tokens(basic=256, prompted=256, tuned=256),
    metrics=("role_f1", "predicate_f1", "text_role_f1"),
    rated_by="text_role_f1",
    slices=("length",),
    length=(20, 60),
    baseline="known_predicates",
    columns=("text", "semantic_roles"),
    pipeline_tag="token-classification",
    writes=True,
    lines=True,
    read_beside=read_beside,
    unreadable=lambda answer, own: (
        "is neither its text with marks, [Ann](1 A0), nor frames of predicate and arguments with [start, end] in the text"
    ),
)
