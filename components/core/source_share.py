"""How much of a training run one source may give: the feedback stage draws pairs by this rule, and alignment holds to it
again after it has left out what it cannot train on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import floor
from typing import TypeVar

SIMULATED = "simulated rater"
ACCEPTED = "accepted by a person"
UNCAPPED = (SIMULATED, ACCEPTED)
"""Sources that nobody outside speaks for."""
Sourced = TypeVar("Sourced", bound=Mapping[str, object])
"""A row that says its `source`."""


def within_share(rows: Sequence[Sourced], share: float, most: int | None = None) -> list[Sourced]:
    """The first of `rows` (at most `most`) of which no `source` gives more than `share`; SIMULATED and ACCEPTED have no cap.

    The largest such choice that leaves `rows` in their order. Where sources are few and nothing is uncapped it may be empty:
    a single source cannot give a quarter of what it alone gives.
    """
    total = len(rows) if most is None else min(most, len(rows))
    while True:
        cap, taken, chosen = floor(share * total), Counter[object](), list[Sourced]()
        for row in rows:
            if len(chosen) == total:
                break
            if row["source"] in UNCAPPED or taken[row["source"]] < cap:
                taken[row["source"]] += 1
                chosen.append(row)
        # fewer rows give a smaller cap, so the size only falls until it fits the cap that it was made with
        if len(chosen) == total:
            return chosen
        total = len(chosen)
