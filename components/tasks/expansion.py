"""Short texts that are written out: points, notes or an outline made a longer text that says all of them and adds no facts.

`points_kept` and `given_facts` ask for these two, and copying the input has 1 in both: `rouge_l`, how near the text is to
a person's, and `within_limits` tell a text from its points. Not covered: long texts that are written part by part.
"""

from pydantic import ValidationInfo, field_validator

from components.core import Frozen, Task

from . import Kind, Length, Tokens, Words, length_asked


class Fields(Frozen):
    """Its own keys of `task`."""

    at_least: Length | None = None
    """How long a text must be, said in every prompt and measured: `{words: 60}`."""
    at_most: Length | None = None
    """How long a text may be, said in every prompt and measured: `{words: 120}`."""

    @field_validator("at_most")
    @classmethod
    def _leaves_room(cls, most: Length | None, others: ValidationInfo) -> Length | None:
        least = others.data.get("at_least")
        for unit in Length.model_fields if least and most else ():
            low, high = getattr(least, unit), getattr(most, unit)
            if low and high and low > high:
                raise ValueError(f"{high} {unit} are fewer than the {low} of task.at_least")
        return most


def _instruction(task: Task) -> str:
    """The contract's instruction and the bounds, a sentence each."""
    return " ".join([task.instruction, *length_asked(task)])


KIND = Kind(
    fields=Fields,
    example={"at_least": {"words": 60}, "at_most": {"words": 120}},
    words=Words(
        asked="Points",
        answered="Text",
        format=lambda task: "Answer with the whole text alone.",
        instruction=_instruction,
        tuned=_instruction,
        methods={
            "negative": {
                "do_not": "Do not leave out a point. Do not add names, numbers or other facts. Do not answer in a list."
            },
            "chaining": {
                "narrow": "List the points in the order in which the text should say them.",
                "found": "Order",
            },
            "iterative": {
                "check": "Check the draft: does it say every point, and no fact beside them? Give the corrected text only."
            },
        },
        elements={"condition": "If the points do not say something, leave it open."},
        tuned_input="Points: {{input}}",
    ),
    tokens=Tokens(basic=192, prompted=192, tuned=192),
    metrics=("rouge_l", "rouge_1", "chrf", "points_kept", "given_facts", "cohesion", "unrepeated", "within_limits"),
    rated_by="rouge_l",
    slices=("length",),
    length=(20, 50),
    baseline="copied_input",
    columns=("points", "expanded"),
    pipeline_tag="text-generation",
    writes=True,
    lines=True,
)
