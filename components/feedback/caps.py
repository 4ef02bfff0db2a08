"""How much one answer and one source count for, and in which order pairs are taken under these caps.

Nothing that a caller chooses (ids, texts, lengths, times, order, names) steers the choice: it goes by a hash, keyed with the
run's seed, of a random ticket that the store drew for each item and shows nobody, and by turns between sources. What is
beyond a cap is not lost: it waits for a person (`ninefold feedback`). Not covered: a stranger who is known as several
sources has as many shares (`components/serving/source.py` says how sources are told apart).
"""

import hmac
from collections import Counter
from dataclasses import dataclass, replace
from typing import NotRequired, TypedDict

from components.core import Feedback, Frozen
from components.core.source_share import UNCAPPED

ON_ANSWER = "more on one answer than counts"
OF_SOURCE = "more on one answer than counts of one source"
SHARE = "beyond its source's share of the pairs"


class Caps(Frozen):
    """The stage's settings that bound what counts (stage.py)."""

    answer_items: int
    answer_items_of_source: int
    source_share: float
    seed: int


class Pair(TypedDict):
    """A preference pair, as training reads it (`Paired` in pairs.py says how)."""

    id: str
    text: str
    passages: list[dict[str, str]]
    chosen: str
    rejected: str
    simulated: bool
    origin: str
    source: NotRequired[str]
    """Set by `in_turns`."""


@dataclass(frozen=True)
class Claim:
    """An item that may count: a pair, or a rating (`row` None)."""

    item: Feedback
    source: str
    drawn: bytes
    row: Pair | None
    reason: str = ""

    @property
    def uncapped(self) -> bool:
        return self.source in UNCAPPED


def drawn(seed: int, ticket: str) -> bytes:
    """Where an item stands in the draw."""
    return hmac.digest(str(seed).encode(), ticket.encode(), "sha256")


def on_answers(claims: list[Claim], caps: Caps) -> tuple[list[Claim], dict[str, str]]:
    """The claims that count (in their order), and id → cap of those that wait: of one kind (ratings, corrections) on one
    answer so many, and so many of one source."""
    counted, waiting = set(), {}
    in_all, of_source = Counter[tuple[str, str]](), Counter[tuple[str, str, str]]()
    for claim in _turns(claims):
        answer, source = (claim.item.kind, claim.item.answer_id), (claim.item.kind, claim.item.answer_id, claim.source)
        if not claim.uncapped and of_source[source] >= caps.answer_items_of_source:
            waiting[claim.item.key] = OF_SOURCE
        elif not claim.uncapped and in_all[answer] >= caps.answer_items:
            waiting[claim.item.key] = ON_ANSWER
        else:
            counted.add(claim.item.key)
            of_source[source] += 1
            in_all[answer] += not claim.uncapped
    return [claim for claim in claims if claim.item.key in counted], waiting


def in_turns(claims: list[Claim]) -> list[Claim]:
    """The pairs in the order in which they are taken, each with its source in its row: one of each source, then the next
    of each. Callers' sources are written as places (`source 1`)."""
    ordered = _turns(claims)
    places = {
        source: f"source {n}" for n, source in enumerate(dict.fromkeys(c.source for c in ordered if not c.uncapped), 1)
    }
    pairs = []
    for claim in ordered:
        assert claim.row, "only pairs come here"
        pairs.append(replace(claim, row={**claim.row, "source": places.get(claim.source, claim.source)}))
    return pairs


def _turns(claims: list[Claim]) -> list[Claim]:
    """Round-robin over sources. A source's turn goes by its first item in the store, not by its luckiest: whoever sends more
    draws no better place."""
    first: dict[str, bytes] = {}
    for claim in claims:
        first.setdefault(claim.source, claim.drawn)
    turn: Counter[str] = Counter()
    placed = []
    for claim in sorted(claims, key=lambda claim: claim.drawn):
        placed.append((turn[claim.source], first[claim.source], claim.drawn, claim))
        turn[claim.source] += 1
    return [claim for *_, claim in sorted(placed, key=lambda one: one[:3])]
