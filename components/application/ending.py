"""Where an answer ends that its caller limits: before a stop string, or after so many tokens.

Greedy decoding goes on from what it has said, so a limited answer is the beginning of the whole one.
"""

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Ending(NamedTuple):
    """How an answer ended."""

    reason: Literal["stop", "length"] = "stop"
    """`length`: the tokens that it may have were spent before it came to an end; else `stop`."""
    tokens: int | None = None
    """How many were generated; None where nobody counted."""


Pieces = Generator[str, None, Ending | None]
"""An answer in pieces as they are decoded; returns how it ended."""


def as_pieces(decoded: Iterable[int], text_of: Callable[[list[int]], str], limit: int) -> Pieces:
    """The text of tokens as they are decoded, at most `limit` of them. A piece ends where the text so far is whole (no half
    of a character)."""
    generated: list[int] = []
    told = text = ""
    for token in decoded:
        generated.append(token)
        text = text_of(generated)
        if not text.endswith("\ufffd") and len(text) > len(told):
            yield text[len(told) :]
            told = text
    if len(text) > len(told):
        yield text[len(told) :]
    return Ending("length" if len(generated) == limit else "stop", len(generated))


def until(pieces: Pieces, stop: Sequence[str]) -> Generator[str, None, tuple[str, Ending]]:
    """Pass `pieces` on up to the first of `stop`, without the space at their beginning; returns all that was passed on and
    how it ended. What may be the beginning of a stop string is held back until it is known."""
    told = held = ""
    ending = Ending()
    while True:
        try:
            held += next(pieces)
        except StopIteration as exhausted:
            ending = exhausted.value or ending
            break
        held = held if told else held.lstrip()
        if (place := stop_in(held, stop)) is not None:
            pieces.close()
            held = held[:place]
            break
        sure = len(held) - _begun(held, stop)
        if sure:
            told += held[:sure]
            yield held[:sure]
            held = held[sure:]
    if held:
        yield held
    return told + held, ending


def limited(
    text: str, limit: int | None, stop: Sequence[str], tokenizer: "PreTrainedTokenizerBase | None"
) -> tuple[str, Ending]:
    """`text`, known as a whole, as `until` and a decoder of `limit` tokens would have let it come. Without a tokenizer a
    token is a word."""
    ending = Ending()
    if limit is not None:
        if tokenizer is None:
            ends = [word.end() for word in re.finditer(r"\S+", text)]
        else:
            encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            ends = [end for _, end in encoded["offset_mapping"]]
        if len(ends) >= limit:
            text, ending = text[: ends[limit - 1]], Ending("length", limit)
    place = stop_in(text, stop)
    return (text, ending) if place is None else (text[:place], Ending())


def stop_in(text: str, stop: Sequence[str]) -> int | None:
    """Where the stop string begins that is complete first; None where there is none."""
    places = [(place + len(one), place) for one in stop if (place := text.find(one)) >= 0]
    return min(places)[1] if places else None


def _begun(text: str, stop: Sequence[str]) -> int:
    """How many characters at the end of `text` may be the beginning of a stop string."""
    lengths = (length for one in stop for length in range(1, min(len(one), len(text) + 1)) if text.endswith(one[:length]))
    return max(lengths, default=0)
