"""Conversations of several turns: what the assistant says next, after all that was said before.

Rows hold turns, of which the last one of the assistant is the answer, and what comes before it is the input: one text with
who says what (components/text/turns.py), which prompts show as chat turns. Not covered: calls of tools, more than two
speakers, figures over a whole conversation.
"""

from components.core import Frozen, Task

from . import Kind, Tokens, Words


class Fields(Frozen):
    """It has no keys of its own."""


def _tuned(task: Task) -> str:
    return " ".join(part for part in (task.persona, task.tone, task.instruction) if part)


KIND = Kind(
    fields=Fields,
    words=Words(
        asked="Message",
        answered="Reply",
        format=lambda task: "Answer with the reply alone.",
        methods={
            "negative": {
                "do_not": "Do not repeat the message. Do not speak for the user. Do not contradict what was said before."
            },
            "chaining": {
                "narrow": "Copy the words of the conversation that the reply depends on.",
                "found": "What counts",
            },
            "iterative": {
                "check": "Check the draft: does it answer the message and fit what was said before? Give the corrected "
                "reply only."
            },
        },
        elements={"condition": "If something is missing that the reply depends on, ask for it."},
        tuned=_tuned,
        tuned_input="{{message}}",
    ),
    tokens=Tokens(basic=96, prompted=96, tuned=96),
    metrics=("f1", "exact_match", "rouge_l", "chrf", "unrepeated"),
    rated_by="f1",
    slices=("turns", "length"),
    length=(30, 100),
    baseline="nearest_answer",
    columns=("messages", "reply"),
    pipeline_tag="text-generation",
    turns=True,
    writes=True,
    lines=True,
)
