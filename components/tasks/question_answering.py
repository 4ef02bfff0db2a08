"""Questions, answered from passages of a knowledge base, from a text that comes with each, or from what the model knows, or
with the words for "no answer"."""

from typing import Literal

from components.core import Frozen, Task

from . import Kind, Tokens, Words


class Fields(Frozen):
    """Its own keys of `task`."""

    abstain: str | None = None
    """What to say when the knowledge base does not hold the answer."""
    context: Literal["retrieved", "given"] = "retrieved"
    """`given`: each question comes with the text that it is about (a clause, a report, a form): nothing is searched for."""
    answers: Literal["free", "quoted"] = "free"
    """`quoted` answers are words of the retrieved context, or the abstention, and nothing else."""


def _format(task: Task) -> str:
    silence = f" If the passage does not hold the answer, say {task.abstain}." if task.abstain else ""
    return f"Answer with as few words as possible.{silence}"


def _tuned(task: Task) -> str:
    return f'Answer from the text, or say "{task.abstain}".' if task.abstain else "Answer from the text."


KIND = Kind(
    fields=Fields,
    example={"abstain": "unknown", "answers": "quoted"},
    words=Words(
        asked="Question",
        answered="Answer",
        format=_format,
        methods={
            "negative": {
                "do_not": "Do not explain. Do not repeat the question. Do not write a full sentence. "
                "Do not use anything but the passage."
            },
            "chaining": {
                "narrow": "Copy the one sentence of the passage that answers the question.",
                "narrow_without_context": "Name the facts that answer the question.",
                "found": "Passage",
            },
            "iterative": {
                "check": "Check the draft: is it right, and is it as short as it can be? Give the corrected answer only."
            },
        },
        elements={
            "condition": "First check whether the passage holds the answer. If it does not, say {abstain} and nothing else.",
            "focus": "Answer what is asked, and leave out what else the passage says.",
        },
        tuned=_tuned,
        tuned_input="Question: {{input}}",
    ),
    tokens=Tokens(basic=24, prompted=16, tuned=24),
    metrics=(
        "f1", "f1_answerable", "exact_match", "rouge_l", "bleu", "abstention_precision", "abstention_recall",
        "abstention_rate", "hit@1", "hit@5", "mrr", "support", "relevance", "cohesion", "unrepeated",
    ),
    rated_by="f1",
    slices=("answerable", "question_type", "length"),
    length=(13, 18),  # thirds of spoken questions (Disfl-QA) lie near these
    baseline="best_sentence",
    columns=("question", "answer"),
    pipeline_tag="question-answering",
    asks=True,
    answers_by=("context",),
)  # fmt: skip
