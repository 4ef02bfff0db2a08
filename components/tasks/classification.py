"""Texts that get one of the contract's labels."""

from typing import Annotated

from pydantic import Field, field_validator

from components.core import Frozen, Task

from . import Kind, Tokens, Words


class Fields(Frozen):
    """Its own keys of `task`."""

    labels: tuple[Annotated[str, Field(min_length=1)], ...]
    """The allowed answers."""

    @field_validator("labels")
    @classmethod
    def _there_is_a_choice(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < max(2, len(labels)):
            raise ValueError("classification needs at least two labels, each of them once")
        return labels


def _tuned(task: Task) -> str:
    return f"{task.instruction} One of: {', '.join(task.labels)}."


KIND = Kind(
    fields=Fields,
    example={"labels": ["positive", "negative"]},
    words=Words(
        asked="Text",
        answered="Label",
        format=lambda task: f"Answer with one of: {', '.join(task.labels)}.",
        methods={
            "negative": {"do_not": "Do not explain. Do not add words. Do not judge by one word alone."},
            "chaining": {
                "narrow": "Copy the words of the text that show most clearly which label fits.",
                "found": "Key words",
            },
            "iterative": {"check": "Check the draft: does the text as a whole support it? Give the corrected label only."},
        },
        elements={"condition": "If the text speaks for several labels, give the one that it speaks for most."},
        form=lambda task: "\n".join(["The labels:", *(f"- {label}" for label in task.labels)]),
        tuned=_tuned,
        tuned_input="Text: {{input}}",
    ),
    tokens=Tokens(basic=24, prompted=8, tuned=24),
    metrics=("accuracy", "macro_f1"),
    rated_by="accuracy",
    slices=("label", "length"),
    length=(150, 250),  # thirds of film reviews lie near these
    baseline="tfidf_linear",
    columns=("text", "label"),
    pipeline_tag="text-classification",
    model_tasks=frozenset({"generation", "classification"}),
)
