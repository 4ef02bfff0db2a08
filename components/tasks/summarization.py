"""Documents that are summed up in a few sentences, if wanted within a length and about one thing in them."""

from pydantic import Field

from components.core import Frozen, Task

from . import Kind, Length, Tokens, Words, length_asked


class Fields(Frozen):
    """Its own keys of `task`."""

    at_most: Length | None = None
    """How long a summary may be, said in every prompt and measured: `{words: 30}`."""
    focus: str | None = Field(None, min_length=1)
    """What in a document the summary is about, said in every prompt: `the costs`."""


def _instruction(task: Task) -> str:
    """The contract's instruction, the focus and the bounds, a sentence each."""
    focus = [f"Write about {task.own['focus']} only."] if task.own.get("focus") else []
    return " ".join([task.instruction, *focus, *length_asked(task)])


KIND = Kind(
    fields=Fields,
    words=Words(
        asked="Document",
        answered="Summary",
        format=lambda task: "Answer with a short summary.",
        instruction=_instruction,
        tuned=_instruction,
        elements={
            "condition": "If the document does not say something, leave it out.",
            "focus": "Leave out what is not about {focus}.",
        },
        methods={
            "negative": {
                "do_not": "Do not add facts or opinions. Do not copy whole paragraphs. Do not begin with 'This document'."
            },
            "chaining": {
                "narrow": "List the main points of the document in a few words each.",
                "found": "Main points",
            },
            "iterative": {
                "check": "Check the draft: does it keep the main point and nothing that the document does not say? "
                "Improve it."
            },
        },
    ),
    tokens=Tokens(basic=80, prompted=80, tuned=96),
    metrics=("rouge_1", "rouge_2", "rouge_l", "bleu", "support", "relevance", "cohesion", "unrepeated", "within_limits"),
    rated_by="rouge_l",
    slices=("length",),
    length=(250, 500),
    baseline="lead_sentences",
    columns=("document", "summary"),
    pipeline_tag="summarization",
    model_tasks=frozenset({"generation", "summarization"}),
    writes=True,
    lines=True,
)
