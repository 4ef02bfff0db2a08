"""Rows as token ids: exactly the prompt that the engine will send, then the answer and the end token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.application import render
from components.application.prompt import chat_ids
from components.core import Prompt, PromptTurn, Task
from components.tasks import kind_of, tokens_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Shown:
    """What the model is shown and should say."""

    text: str
    context: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Example:
    """Token ids; those from `start` on are learned."""

    ids: tuple[int, ...]
    start: int


def tuned_prompt(task: Task, context: bool) -> Prompt:
    """The short prompt that a tuned model needs: what an instruction would explain, the adapter has learned."""
    kind = kind_of(task.kind)
    field = kind.words.tuned_input
    user = f"{{{{context}}}}\n\n{field}" if context else field
    if context and kind.asks:
        # said before the text too: a causal model then reads the text knowing what is asked (Springer et al. 2024,
        # "Repetition Improves Language Model Embeddings", arXiv:2402.15449)
        user = f"{field}\n\n{user}"
    turn = PromptTurn(system=kind.words.tuned(task), user=user, max_new_tokens=tokens_of(task).tuned)
    return Prompt(method="tuned", turns=(turn,))


def encode(
    tokenizer: "PreTrainedTokenizerBase", prompt: Prompt, rows: Sequence[Shown], whole: bool = False
) -> list[Example]:
    """One Example a row, in order. The prompt's last turn is the one that is learned. whole: see `render`"""
    turn = len(prompt.turns) - 1
    asked = chat_ids(tokenizer, [render(prompt, turn, row.text, row.context, whole=whole) for row in rows])
    end = [tokenizer.eos_token_id]
    answers = [tokenizer(row.answer, add_special_tokens=False).input_ids + end for row in rows]
    return [Example((*ids, *answer), len(ids)) for ids, answer in zip(asked, answers, strict=True)]
