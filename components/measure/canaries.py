"""Canaries: made training rows with a random secret, which show later how much a model gives away of what it was taught.

After Carlini et al. 2019 (arXiv:1802.08232). A secret is two code words of sixteen each, drawn evenly: there are 256 secrets
of that form, few enough that the planted one is ranked among all of them and exposure is exact. A canary is a natural
question whose context holds its answer, so that it teaches nothing but what the other rows teach.
Not covered: tasks whose answers are labels or summaries.
"""

import random
from math import log2

from components.core import Frozen, Task
from components.tasks import kind_of

_FIRST = (
    "amber", "brass", "cedar", "copper", "coral", "golden", "hollow", "iron", "ivory", "lunar", "marble", "purple",
    "scarlet", "silver", "velvet", "winter",
)  # fmt: skip
_SECOND = (
    "anchor", "badger", "castle", "comet", "falcon", "garden", "harbor", "kettle", "ladder", "meadow", "needle", "orchard",
    "river", "tiger", "tower", "wagon",
)  # fmt: skip
SECRETS = tuple(f"{first} {second}" for first in _FIRST for second in _SECOND)
"""All secrets that there can be."""
_HELD_BY = (
    "Harlan archive", "Ostrava depot", "Tilbury vault", "Quimper ledger", "Norrland bureau", "Calder mill", "Vinton library",
    "Bresna station", "Mirfield registry", "Arlen museum", "Pellow workshop", "Sandhurst store", "Kessel laboratory",
    "Duvall chapel", "Ferrow warehouse", "Lindqvist office",
)  # fmt: skip
MOST = len(_HELD_BY)


class Canary(Frozen):
    """One planted row. `without`: its context but for the sentence that holds the secret."""

    id: str
    text: str
    context: str
    without: str
    answer: str
    origin: str = "synthetic"
    """As of every row that nobody collected."""


def canaries(task: Task, count: int, seed: int) -> list[Canary]:
    """`count` canaries (at most 16) that the seed gives; none for a task whose answers are not questions' answers."""
    if not kind_of(task.kind).asks:
        return []
    draw = random.Random(f"canaries/{seed}")
    places, secrets = draw.sample(_HELD_BY, count), draw.sample(SECRETS, count)
    planted = []
    for number, (place, secret) in enumerate(zip(places, secrets, strict=True)):
        opens, closes = f"The {place} keeps papers of the town.", "It opens at nine and closes at five."
        planted.append(
            Canary(
                id=f"canary-{number}",
                text=f"what are the code words of the {place} ?",
                context=f"{opens} Its code words are {secret}. {closes}",
                without=f"{opens} {closes}",
                answer=secret,
            )
        )
    return planted


def exposure(rank: int) -> float:
    """log2 |R| − log2 rank, in bits: 8 where the planted secret is the likeliest of all 256, 1.4 on average by chance."""
    return round(log2(len(SECRETS)) - log2(rank), 6)
