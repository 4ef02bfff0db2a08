"""Documents as rows of token ids: packed into blocks, and with spans taken out of a block to be put back behind it.

Span corruption is our own: transformers has it in an example script alone, for encoder-decoder models, with sentinel tokens
that a decoder's vocabulary does not have. Here a sentinel is a short text, `<0>`, `<1>` …: new tokens would need embeddings
that most techniques leave as they are.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, count, islice, pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from components.core import Frozen

from .examples import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Tokens = tuple[int, ...]


class Packing(Frozen):
    """How documents become rows."""

    block: int = Field(256, ge=16)
    """Tokens of a row: documents are joined, each with the end token behind it, and cut into rows of so many."""


class Spans(Packing):
    """What is taken out of a block (R-denoising of UL2: short spans, few of them)."""

    noise: float = Field(0.15, gt=0, lt=1)
    """Share of a block's tokens that is taken out."""
    span: float = Field(3.0, ge=1)
    """Mean length of a span, in tokens."""


def packed(documents: Sequence[Sequence[int]], end: int, block: int, seed: int) -> list[Tokens]:
    """The documents in an order that the seed gives, as blocks of `block` tokens without padding; the last may be shorter.

    end: the token behind each document
    """
    order = list(range(len(documents)))
    random.Random(f"documents/{seed}").shuffle(order)
    joined = [token for number in order for token in (*documents[number], end)]
    blocks = [tuple(joined[start : start + block]) for start in range(0, len(joined), block)]
    return [one for one in blocks if len(one) > 1]  # of a single token nothing is predicted


def whole(block: Tokens) -> Example:
    """A row that is learned from its first token to its last."""
    return Example(block, 0)


def sentinels(tokenizer: "PreTrainedTokenizerBase") -> Iterator[Tokens]:
    """The token ids of `<0>`, `<1>` …, without end."""
    return (tuple(tokenizer(f"<{number}>", add_special_tokens=False).input_ids) for number in count())


def corrupted(block: Tokens, marks: Iterable[Tokens], end: int, spans: Spans, draw: random.Random) -> Example:
    """`block` with a sentinel in place of each span, then each sentinel with its span, and the end token (span corruption:
    Raffel et al. 2020, arXiv:1910.10683, section 3.1.4; both parts in one row for a decoder: Tay et al. 2022, UL2,
    arXiv:2205.05131). The second part alone is learned.

    marks: sentinels in order, as many as are needed; those that stand in the block are passed over
    """
    gone = min(max(1, round(spans.noise * len(block))), len(block) - 1)
    number = min(max(1, round(gone / spans.span)), gone, len(block) - gone)
    cuts = [0, *accumulate(_interleaved(_parts(len(block) - gone, number, draw), _parts(gone, number, draw)))]
    pieces = [block[start:stop] for start, stop in pairwise(cuts)]
    free = islice((mark for mark in marks if not stands(mark, block)), number)
    masked: list[int] = []
    learned: list[int] = []
    for mark, kept, span in zip(free, pieces[::2], pieces[1::2], strict=True):
        masked += [*kept, *mark]
        learned += [*mark, *span]
    return Example((*masked, *learned, end), len(masked))


def stands(mark: Tokens, block: Tokens) -> bool:
    """Whether `mark` stands in `block` as one run."""
    return any(block[at : at + len(mark)] == mark for at in range(len(block) - len(mark) + 1))


def _parts(whole: int, number: int, draw: random.Random) -> list[int]:
    """`number` lengths of at least 1 that add up to `whole`, each division as likely as any other."""
    return [stop - start for start, stop in pairwise([0, *sorted(draw.sample(range(1, whole), number - 1)), whole])]


def _interleaved(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [length for pair in zip(one, other, strict=True) for length in pair]
