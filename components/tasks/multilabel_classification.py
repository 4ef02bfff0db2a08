"""Texts that get any number of the contract's labels: the emotions of a message, the topics of a page.

An answer is a set of labels, written in the contract's order with commas between (`anger, joy`); `none` is the empty set,
where the contract allows it. A part of an answer that is no label makes all of it no answer: `valid_labels` counts how many
a model gives. Not covered: scores of labels, labels below labels.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, field_validator

from components.core import Frozen, Task
from components.text import label_of, same

from . import Kind, Tokens, Words

BETWEEN = ", "
NONE = "none"
"""The empty set as an answer."""
_SEPARATORS = re.compile(r"[,;|\n]")
_AND = re.compile(r"\s(?:and|&)\s", re.IGNORECASE)


class Fields(Frozen):
    """Its own keys of `task`."""

    label_set: tuple[Annotated[str, Field(min_length=1, pattern=r"^[^,;|\n]*$")], ...]
    """The labels that an answer may hold; without commas, semicolons and bars, which stand between them."""
    none_allowed: bool = False
    """Whether a text may have no label; its answer is then `none`, in a file also an empty list."""

    @field_validator("label_set")
    @classmethod
    def _there_is_a_choice(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len({same(label).casefold() for label in labels}) < max(2, len(labels)):
            raise ValueError("give at least two labels, each of them once (case makes no difference)")
        if NONE in (same(label).casefold() for label in labels):
            raise ValueError(f"'{NONE}' is the answer without a label: leave it out, and write `none_allowed: true`")
        return labels


def parts(answer: object) -> list[object]:
    """What stands in `answer`, a list or a text with commas, semicolons, bars or line breaks between."""
    if isinstance(answer, str):
        return [part.strip() for part in _SEPARATORS.split(answer) if part.strip()]
    return list(answer) if isinstance(answer, list) else [answer]


def read_answer(answer: object, own: Mapping[str, object]) -> str | None:
    """The labels of `answer` in the contract's order, each once; None where one part of it is no label."""
    found, unknown = _labels(answer, own)
    if unknown or not (found or _says_none(answer, own)):
        return None
    return BETWEEN.join(label for label in _label_set(own) if label in found) or NONE


def sets(answer: str) -> frozenset[str]:
    """The labels of an answer that `read_answer` gave; empty for `none`, and for no answer."""
    return frozenset(answer.split(BETWEEN)) - {NONE, ""}


def unreadable(answer: object, own: Mapping[str, object]) -> str:
    """What is wrong with `answer`, and what is allowed."""
    _, unknown = _labels(answer, own)
    allowed = BETWEEN.join([*_label_set(own), *([NONE] if own.get("none_allowed") else [])])
    if unknown:
        return f"holds {', '.join(map(repr, unknown))}, which is none of task.label_set; allowed: {allowed}"
    return f"has no label, and task.none_allowed does not say that it may; allowed: {allowed}"


def _labels(answer: object, own: Mapping[str, object]) -> tuple[set[str], list[object]]:
    """(the labels that stand in `answer`, what else does)"""
    labels, unknown, empty = set[str](), list[object](), _says_none(answer, own)
    for part in [] if empty else parts(answer):
        named = [_label(part, own)]
        if named == [None] and isinstance(part, str):  # "joy and anger", where that is no label
            named = [_label(one, own) for one in _AND.split(part)]
        labels |= {label for label in named if label}
        unknown += [part] if None in named else []
    return labels, unknown


def _label(part: object, own: Mapping[str, object]) -> str | None:
    return label_of(_label_set(own), part) if isinstance(part, str) else None


def _says_none(answer: object, own: Mapping[str, object]) -> bool:
    said = parts(answer)
    silent = said == [] and isinstance(answer, list)
    return bool(own.get("none_allowed")) and (silent or [label_of([NONE], str(part)) for part in said] == [NONE])


def _label_set(own: Mapping[str, object]) -> Sequence[str]:
    labels = own["label_set"]
    assert isinstance(labels, list | tuple), "the contract was checked"
    return labels


def _format(task: Task) -> str:
    none = f" If none fits, say {NONE}." if task.own.get("none_allowed") else ""
    return f"Answer with all that fit, commas between, of: {BETWEEN.join(task.own['label_set'])}.{none}"


KIND = Kind(
    fields=Fields,
    example={"label_set": ["anger", "joy", "surprise"], "none_allowed": True},
    words=Words(
        asked="Text",
        answered="Labels",
        format=_format,
        methods={
            "negative": {"do_not": "Do not explain. Do not use other labels. Do not name a label that does not fit."},
            "chaining": {
                "narrow": "Copy the words of the text that show most clearly which labels fit.",
                "found": "Key words",
            },
            "iterative": {
                "check": "Check the draft: does the text support each label, and is one missing? Give the corrected labels "
                "only."
            },
        },
        tuned=lambda task: f"{task.instruction} {_format(task)}",
        tuned_input="Text: {{input}}",
    ),
    tokens=Tokens(basic=32, prompted=32, tuned=32),
    metrics=("micro_f1", "label_macro_f1", "text_label_f1", "subset_accuracy", "hamming_score", "valid_labels"),
    rated_by="text_label_f1",
    slices=("length",),
    length=(150, 250),
    baseline="tfidf_one_vs_rest",
    columns=("text", "labels"),
    pipeline_tag="text-classification",
    parts=parts,
    label_set=lambda task: tuple(task.own["label_set"]),
    read_answer=read_answer,
    answers_by=("label_set", "none_allowed"),
    unreadable=unreadable,
)
