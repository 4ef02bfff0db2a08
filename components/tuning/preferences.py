"""Preference pairs as token ids: the rows that alignment may use, as the candidate was shown and said them."""

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple, NotRequired, TypedDict

from components.core import Candidate, Split, Step, read_jsonl, within_share
from components.core.source_share import UNCAPPED
from components.measure import abstains
from components.text import apart
from components.training.contexts import as_written, find
from components.training.examples import Shown, encode
from components.training.pairs import Pair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Passage(TypedDict):
    """A passage that the candidate was shown."""

    id: str
    text: str


class PairRow(TypedDict):
    """A row of `pairs.jsonl`: what was asked, a correction and the answer that it corrects, and who they come from."""

    text: str
    passages: list[Passage]
    chosen: str
    rejected: str
    simulated: NotRequired[bool]
    source: str


class Encoded(TypedDict):
    """A pair as token ids, and who it comes from."""

    pair: Pair
    simulated: bool
    source: str


def usable(candidate: Candidate, pairs: Split, step: Step) -> list[PairRow]:
    """The rows of `pairs` whose correction is open to the candidate: where answers are quotes, it stands in the context."""
    rows: list[PairRow] = read_jsonl(step.store.file(pairs.object))
    if candidate.quoted is None:
        return rows
    return [row for row in rows if abstains(candidate.abstain, row["chosen"]) or _stands(row, candidate)]


SIDES: tuple[Literal["chosen", "rejected"], ...] = ("chosen", "rejected")


class Kept(NamedTuple):
    """pairs: what is trained on. simulated: how many of them are. largest: how many one single source gave."""

    pairs: list[Pair]
    simulated: int
    largest: int


def as_tokens(
    tokenizer: "PreTrainedTokenizerBase",
    candidate: Candidate,
    rows: list[PairRow],
    longest: int,
    source_share: float,
    most: int,
) -> Kept:
    """The first `most` pairs of at most `longest` tokens, no source giving more than `source_share` of them.

    The share holds for what is trained on, not for what was handed over: what falls out may all be of other sources.
    """
    assert candidate.prompt is not None, "a candidate with a model has a prompt"
    chosen, rejected = (
        encode(
            tokenizer,
            candidate.prompt,
            [Shown(_question(candidate, row), _context(candidate, row), _quoted(candidate, row, row[side])) for row in rows],
            candidate.runtime.whole,
        )
        for side in SIDES
    )
    short: list[Encoded] = [
        {
            "pair": Pair(one.ids[: one.start], one.ids[one.start :], other.ids[other.start :]),
            "simulated": bool(row.get("simulated")),
            "source": row["source"],
        }
        for row, one, other in zip(rows, chosen, rejected, strict=True)
        if max(len(one.ids), len(other.ids)) <= longest
    ]
    capped = within_share(short, source_share, most)
    sources = Counter(row["source"] for row in capped if row["source"] not in UNCAPPED)
    return Kept([row["pair"] for row in capped], sum(row["simulated"] for row in capped), max(sources.values(), default=0))


def _context(candidate: Candidate, row: PairRow) -> tuple[str, ...]:
    """What the candidate was shown when it answered: the text that came with the question, or the first passages, as many
    as its retriever puts into the prompt."""
    if candidate.given:
        return (apart(row["text"])[0],)
    return tuple(passage["text"] for passage in row["passages"][: candidate.texts_shown])


def _question(candidate: Candidate, row: PairRow) -> str:
    return apart(row["text"], candidate.given)[1]


def _quoted(candidate: Candidate, row: PairRow, answer: str) -> str:
    """The answer as its context writes it: the correction of a person need not have the passage's spacing."""
    return as_written(answer, _context(candidate, row))


def _stands(row: PairRow, candidate: Candidate) -> bool:
    return any(find(row["chosen"], text) for text in _context(candidate, row))
