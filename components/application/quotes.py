"""Answers that are quotes: what a model may say next when its answer has to stand in the context, word for word.

Every run of words of the context, and the abstention, as a tree of tokens; a decoder that only follows its branches cannot
misspell a name or make a figure up, and a reader finds each answer in the passage shown with it. The idea is that of
constrained generation over a prefix tree (De Cao et al. 2021, "Autoregressive Entity Retrieval", arXiv:2010.00904), which
`generate` offers as `prefix_allowed_tokens_fn`; our decoders have their own loop, so the tree is asked directly.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import regex

from components.core import BadInput
from components.text import spans, unspaced
from components.text.words import LETTER, UNSPACED

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedTokenizerBase

LONGEST = 16
"""Words in a quote."""

_WORD = r"[\p{L}\p{M}\p{N}_]"
_SIGNED = regex.compile(rf"(?<!{_WORD})(?:\p{{Sc}} ?[-+]?|[-+±<>≤≥]=?)$")
"""What stands before a number and belongs to it."""
_WHOLE = regex.compile(rf"(?<!{_WORD})[-+±<>≤≥]?\p{{Sc}}?[-+]?\d+(?:[.,:]\d+)*|{_WORD}+['’]t\b|\p{{L}}{_WORD}*[+#]+")
_LETTER, _MARK = regex.compile(LETTER, regex.VERSION1), regex.compile(r"\p{M}")
_ALONE = regex.compile(UNSPACED)


@dataclass(slots=True)
class Node:
    """A place in the tree. next: by token; whole: the answer may end here."""

    next: dict[int, "Node"] = field(default_factory=dict)
    whole: bool = False


class Quotes:
    """What one answer may say: any run of at most 16 words of one of `texts`, or `abstain`.

    bias:    added to the logit of the abstention's first token
    longest: tokens that an answer may have; a run is cut where a word ends
    Runs that begin with the abstention's first token are left out: that token alone decides whether to abstain.
    `choose` is called once a token and remembers where the answer stands. After it, `margin` is how far the abstention's
    first token lay above the best beginning of a quote, in logits, before the bias (None where there was no choice).
    Raises BadInput when the abstention is longer than an answer may be.
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        texts: Sequence[str],
        abstain: str | None,
        bias: float = 0.0,
        longest: int = 64,
    ) -> None:
        self._root = Node()
        self._end = int(tokenizer.eos_token_id)
        self._bias = bias
        self.margin: float | None = None
        abstention = tokenizer(abstain, add_special_tokens=False).input_ids if abstain else []
        if len(abstention) > longest:
            raise BadInput(f"task.abstain: '{abstain}' has more tokens than an answer may have ({longest}); shorten it")
        self._abstains = abstention[0] if abstention else self._end
        runs = [run for text in texts for run in _runs(text)]
        if runs:
            encoded = tokenizer(runs, add_special_tokens=False, return_offsets_mapping=True)
            for run, ids, places in zip(runs, encoded["input_ids"], encoded["offset_mapping"], strict=True):
                self._grow_run(run, ids[:longest], places)
        self._grow(abstention, [i == len(abstention) - 1 for i in range(len(abstention))])
        self._root.whole = not self._root.next  # nothing to quote and no abstention: say nothing
        self._node = self._root

    def choose(self, logits: "np.ndarray | torch.Tensor") -> int:
        """The allowed token with the highest logit; the tokenizer's end token where ending is best.

        logits: [vocabulary]
        """
        tokens = [*self._node.next, self._end] if self._node.whole else list(self._node.next)
        scores = logits[tokens].tolist()
        if self._node is self._root and self._abstains in self._root.next:
            place = tokens.index(self._abstains)
            others = [*scores[:place], *scores[place + 1 :]]
            self.margin = scores[place] - max(others) if others else None
            scores[place] += self._bias
        token = tokens[scores.index(max(scores))]
        self._node = self._node.next.get(token, self._node)
        return token

    def _grow_run(self, run: str, ids: Sequence[int], places: Sequence[tuple[int, int]]) -> None:
        inside = _inside(run) | _within_words(run)
        ends = [_ends(run, places, i, inside) for i in range(len(ids))]
        while ends and not ends[-1]:
            ends.pop()
        if ends and ids[0] != self._abstains:
            self._grow(ids[: len(ends)], ends)

    def _grow(self, ids: Sequence[int], ends: Sequence[bool]) -> None:
        node = self._root
        for token, end in zip(ids, ends, strict=True):
            node = node.next.setdefault(token, Node())
            node.whole = node.whole or end


def places(quote: str, text: str) -> list[tuple[int, int]]:
    """Where `quote` stands in `text` as a quote may: from the beginning of a word to the end of one. (start, end) in
    characters, `text[start:end] == quote`; none where it does not stand there."""
    starts, inside = {start for start, _ in _starts(text)}, _inside(text) | _within_words(text)
    found = []
    for match in re.finditer(f"(?={re.escape(quote)})", text) if quote else ():
        start, end = match.start(), match.start() + len(quote)
        whole = end == len(text) or (end not in inside and not _within(text[end - 1], text[end]))
        if start in starts and whole:
            found.append((start, end))
    return found


def _runs(text: str) -> list[str]:
    """From each beginning of a word, the text up to the end of the sixteenth. Words are parted by space or, in scripts that
    have none, by dictionary."""
    ends = _word_ends(text, spans(text))
    runs = []
    for start, place in _starts(text):
        first = bisect_right(ends, place)
        runs.append(text[start : ends[min(first + LONGEST, len(ends)) - 1]])
    return runs


def _starts(text: str) -> list[tuple[int, int]]:
    """(where a quote may begin, where its first word does): a sign before a number belongs to it."""
    inside = _inside(text)
    found = []
    for place, _ in spans(text):
        sign = _SIGNED.search(text, max(0, place - 4), place)
        start = sign.start() if sign and text[place].isdigit() else place
        if start not in inside:
            found.append((start, place))
    return found


def _within_words(text: str) -> set[int]:
    """Places inside words that a dictionary cuts: nobody may quote half of 東京."""
    if not unspaced(text):
        return set()
    return {at for start, end in spans(text) if _ALONE.match(text[start]) for at in range(start + 1, end)}


def _word_ends(text: str, places: Sequence[tuple[int, int]]) -> list[int]:
    ends = {word.end() for word in re.finditer(r"\S+", text)}
    if unspaced(text):
        ends |= {end for start, end in places if _ALONE.match(text[start])}
    return sorted(ends)


def _inside(text: str) -> set[int]:
    """Places where cutting would change a number or a sense: within 5,000, 3.5, 10:30 or $5, before the 't of can't."""
    return {place for whole in _WHOLE.finditer(text) for place in range(whole.start() + 1, whole.end())}


def _ends(run: str, places: Sequence[tuple[int, int]], i: int, inside: set[int]) -> bool:
    """Whether an answer may end after token `i`: where a word does."""
    if i == len(places) - 1:
        return True
    end, following = places[i][1], places[i + 1][0]
    if following < end or end == len(run):
        return False  # inside a character that takes several tokens
    return following > end or (end not in inside and not _within(run[end - 1], run[end]))


def _within(one: str, other: str) -> bool:
    """Whether `other` goes on with the word that `one` is of; in scripts that write words together, only a mark does."""
    if one.isascii() and other.isascii():
        return one.isalnum() and other.isalnum()
    return bool(_MARK.match(other) or (_LETTER.match(one) and _LETTER.match(other)))
