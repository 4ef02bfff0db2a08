"""Random search (Bergstra and Bengio 2012): a wording and some demonstrations by chance, until the calls are spent.

What a cleverer search has to beat with as many calls.
"""

from random import Random

from ..drafts import Draft
from ..space import Space

PACKAGES = ()
WRITES = False
AGAIN = 200
"""Draws in a row that were judged before, after which there is nothing left to draw."""


def search(space: Space) -> Draft:
    """See searches/__init__.py. The draft at hand is judged first; of drafts that are worth the same the first one wins."""
    chance = Random(space.seed)
    best, again = space.built(0), 0
    worth = space.worth(best)
    names = list(space.demonstrations)
    while again < AGAIN:
        shown = chance.sample(names, chance.randint(0, min(space.shots, len(names))))
        draft = space.built(chance.randrange(len(space.wordings)), shown)
        price = space.price(draft)
        if space.used + price > space.budget:
            break
        again = 0 if price else again + 1
        if (found := space.worth(draft)) > worth:
            best, worth = draft, found
    return best
