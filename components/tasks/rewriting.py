"""Texts that are put into another form of the same language: correct grammar or spelling, another tone, a given format.

`edit_f05` asks whether the right words were changed, `chrf` how near the whole text is to the reference. Where many texts
would do (tone), the second is the better primary metric. Not covered: several right references.
"""

from typing import Literal

from components.core import Frozen, Task

from . import Kind, Tokens, Words


class Fields(Frozen):
    """Its own keys of `task`."""

    aim: Literal["grammar", "spelling", "tone", "format"]
    """What is to be changed; all else stays. How it shall sound, or look, say `tone` and `format`."""


def _format(task: Task) -> str:
    if task.own["aim"] in ("grammar", "spelling"):
        return "Answer with the corrected text alone. Leave what is right as it is."
    return f"Answer with the rewritten text alone. Change its {task.own['aim']} and nothing that it says."


KIND = Kind(
    fields=Fields,
    example={"aim": "grammar"},
    words=Words(
        asked="Text",
        answered="Rewritten text",
        format=_format,
        methods={
            "negative": {"do_not": "Do not explain. Do not add or leave out facts. Do not change what is right already."},
            "chaining": {
                "narrow": "Copy the words of the text that must be changed, each with what should stand there.",
                "found": "Changes",
            },
            "iterative": {
                "check": "Check the draft against the text: is all changed that must be, and nothing else? Give the "
                "corrected text only."
            },
        },
        tuned_input="Text: {{input}}",
    ),
    tokens=Tokens(basic=128, prompted=128, tuned=128),
    metrics=("edit_f05", "edit_precision", "edit_recall", "text_edit_f05", "chrf"),
    rated_by="text_edit_f05",
    slices=("length",),
    length=(15, 25),
    baseline="copied_input",
    columns=("text", "rewritten"),
    pipeline_tag="text-generation",
    writes=True,
    lines=True,
)
