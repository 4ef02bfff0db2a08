"""Documents that are summed up in a few sentences."""

from components.core import Frozen

from . import Kind, Tokens, Words


class Fields(Frozen):
    """It has no keys of its own."""


KIND = Kind(
    fields=Fields,
    words=Words(
        asked="Document",
        answered="Summary",
        format=lambda task: "Answer with a short summary.",
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
    metrics=("rouge_1", "rouge_2", "rouge_l", "bleu", "support", "relevance", "cohesion", "unrepeated"),
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
