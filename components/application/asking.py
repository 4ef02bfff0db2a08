"""Asking a loaded model: prompts turn by turn, labels by their likelihood, quotes held to the text, answers cleaned.

Not covered: retrieval and citations (answer.py), long texts read in parts (reading/), candidates without a prompt.
"""

from collections.abc import Sequence
from functools import partial
from math import exp
from typing import TYPE_CHECKING, NamedTuple, Protocol

from components.core import Candidate, Prompt
from components.text import matching_label

from .prompt import MAX_CONTEXT_WORDS, clean, cut, first_line_only, is_cut, render, without_control_tokens
from .quotes import Quotes
from .refinements import refined

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Messages = list[dict[str, str]]


class ChatEngine(Protocol):
    """What is used of an engine (engines/__init__.py). Not all have `score` and `tokenizer`."""

    tokenizer: "PreTrainedTokenizerBase"

    @property
    def end(self) -> str: ...

    def generate(
        self, prompts: list[Messages], max_new_tokens: int, first_line: bool, quotes: "list[Quotes] | None"
    ) -> list[str]: ...

    def score(self, prompts: list[Messages], texts: Sequence[str]) -> list[list[float]]: ...


class Asked(NamedTuple):
    """What is put to the model once."""

    text: str
    """The question, the text to classify or the document."""
    context: Sequence[str] = ()
    """Texts that the prompt may show beside it, best first."""


class Said(NamedTuple):
    """What the model says to it."""

    text: str
    cut: bool = False
    """Whether it was shown less than all: beyond the words that prompts show, or beyond the model's window."""
    margin: float | None = None
    """See `Answer.margin`."""
    asked: Messages = []
    """The last turn."""
    words: str = ""
    """What the model said there, as it said it; a label as it was scored."""


class Asker:
    """Asks `engine` as `candidate`, which has a prompt, describes it."""

    def __init__(self, candidate: Candidate, prompt: Prompt, engine: ChatEngine) -> None:
        self.candidate, self.prompt, self.engine = candidate, prompt, engine

    def ask(self, asked: Sequence[Asked]) -> list[Said]:
        """An answer to each, in order."""
        quotes = self.quotes(asked)
        messages, lost = self.messages(asked)
        if self.candidate.labels:
            texts = words = self._labels(messages, lost)
        else:
            words = self._last_turn(messages, quotes, lost)
            texts = [clean(self.candidate, text) for text in words]
        margins = [one.margin for one in quotes] if quotes else [None] * len(texts)
        return [Said(text, place in lost, margins[place], messages[place], words[place]) for place, text in enumerate(texts)]

    def likelihoods(self, asked: Sequence[Asked]) -> list[dict[str, float]]:
        """The probability of each label for each of `asked`, among the labels, without reasoning before it."""
        messages, _ = self.messages(asked)
        scored = self.engine.score(messages, self._endings)
        return [dict(zip(self.candidate.labels, _shares(scores), strict=True)) for scores in scored]

    def messages(self, asked: Sequence[Asked]) -> tuple[list[Messages], set[int]]:
        """(what the last turn says, positions of those that lost a part on the way there)."""
        whole = self.candidate.runtime.whole
        lost = {place for place, one in enumerate(asked) if is_cut(self.prompt, *one, whole)}
        previous = [""] * len(asked)
        turns = self.prompt.turns
        for turn in range(len(turns)):
            messages = [render(self.prompt, turn, *one, before, whole) for one, before in zip(asked, previous, strict=True)]
            if turn < len(turns) - 1:
                generated = self.engine.generate(messages, turns[turn].max_new_tokens, first_line=False, quotes=None)
                lost |= self._cut
                previous = [text.strip() for text in generated]
        return messages, lost

    def quotes(self, asked: Sequence[Asked]) -> list[Quotes] | None:
        """What each answer is held to, where answers are quotes; None without a text (closed book, measured beside)."""
        candidate = self.candidate
        if candidate.quoted is None or not candidate.texts_shown:
            return None
        tokenizer, bias = self.engine.tokenizer, candidate.quoted.abstain_bias
        longest = self.prompt.turns[-1].max_new_tokens
        # of a long text only what the prompt shows of it can be quoted
        most = None if candidate.runtime.whole else MAX_CONTEXT_WORDS
        shown = [[without_control_tokens(tokenizer, text) for text in cut(one.context, most)] for one in asked]
        return [Quotes(tokenizer, texts, candidate.abstain, bias, longest) for texts in shown]

    @property
    def _cut(self) -> set[int]:
        """Positions of what the engine cut in its last call."""
        return set(getattr(self.engine, "cut", ()))

    def _last_turn(self, messages: list[Messages], quotes: list[Quotes] | None, lost: set[int]) -> list[str]:
        """The model's words, those with a fault asked for again. lost: what the engine cut is added to it."""
        last = len(self.prompt.turns) - 1
        first_line = first_line_only(self.candidate, last) and not self.candidate.labels
        tokens = self.prompt.turns[last].max_new_tokens
        texts = self.engine.generate(messages, tokens, first_line=first_line, quotes=quotes)
        lost |= self._cut
        again = partial(self.engine.generate, max_new_tokens=tokens, first_line=first_line, quotes=None)
        return refined(self.candidate, messages, texts, again)

    @property
    def _endings(self) -> list[str]:
        """The labels as they are scored: with the end of the answer where one label begins with another, which without it
        could never lose."""
        labels = self.candidate.labels
        begins = any(one != other and one.startswith(other) for one in labels for other in labels)
        return [label + self.engine.end for label in labels] if begins else list(labels)

    def _labels(self, messages: list[Messages], lost: set[int]) -> list[str]:
        """The most likely label; where the prompt asks for reasoning first, the label that the reasoning ends in."""
        labels = self.candidate.labels
        chosen: list[str | None] = [None] * len(messages)
        scored = hasattr(self.engine, "score")
        if self.prompt.answer_marker or not scored:
            texts = self._last_turn(messages, None, lost)
            chosen = [matching_label(labels, clean(self.candidate, text)) for text in texts]
        open_rows = [i for i, label in enumerate(chosen) if label is None] if scored else []
        if open_rows:
            found = self.engine.score([messages[i] for i in open_rows], self._endings)
            lost |= {open_rows[place] for place in self._cut}
            for i, scores in zip(open_rows, found, strict=True):
                chosen[i] = labels[scores.index(max(scores))]
        return [label or labels[0] for label in chosen]


def _shares(scores: Sequence[float]) -> list[float]:
    """Log-likelihoods as probabilities of one among them."""
    weights = [exp(score - max(scores)) for score in scores]
    return [weight / sum(weights) for weight in weights]
