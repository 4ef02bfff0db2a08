"""Documents said twice: equal words first, then near-equal ones by MinHash and locality-sensitive hashing (datasketch).

MinHash: Broder 1997; the index proposes, the exact Jaccard similarity of the sets of five-word runs decides. Only
signatures are kept; the runs of a proposed pair are made again.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.text import words

from ..documents import COMPARED, Document, Found, of_part
from .tokens import Tokens, run_hashes

if TYPE_CHECKING:
    import numpy as np

SIZE = 5
PERMUTATIONS = 128
WEIGHTS = (0.1, 0.9)
"""Cost of a wrong proposal against that of a missed one: a wrong one costs an exact comparison, a missed one stays."""


def find(similarity: float, documents: Sequence[Document]) -> Found:
    """Drop every document that repeats an earlier one. Fixed documents count as the earliest, and stay."""
    drop: dict[int, str] = {}
    equal = 0
    for part in COMPARED:
        repeats, same = _of_part(similarity, documents, of_part(documents, part))
        drop |= repeats
        equal += same
    return Found(drop, figures={"equal": equal, "near": len(drop) - equal})


def _of_part(similarity: float, documents: Sequence[Document], places: list[int]) -> tuple[dict[int, str], int]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=similarity, num_perm=PERMUTATIONS, weights=WEIGHTS)
    blank = MinHash(num_perm=PERMUTATIONS, hashfunc=int)
    tokens = Tokens()
    drop: dict[int, str] = {}
    first: dict[bytes, int] = {}
    equal = 0
    for place in places:
        sequence = words(documents[place].text)
        name = hashlib.blake2b(" ".join(sequence).encode(), digest_size=16).digest()
        original = first.setdefault(name, place)
        if original != place:
            if not documents[place].fixed:
                drop[place] = f"equal words: {documents[original].origin}"
                equal += 1
            continue
        runs = run_hashes(tokens.array(sequence), SIZE)
        if not len(runs):
            continue
        signature = blank.copy()
        signature.update_batch((runs & 0xFFFFFFFF).tolist())
        for proposed in [] if documents[place].fixed else sorted(index.query(signature)):
            alike = _jaccard(runs, run_hashes(tokens.array(words(documents[proposed].text)), SIZE))
            if alike >= similarity:
                drop[place] = f"near-equal ({alike:.2f}): {documents[proposed].origin}"
                break
        if place not in drop:
            index.insert(place, signature, check_duplication=False)
    return drop, equal


def _jaccard(one: "np.ndarray", two: "np.ndarray") -> float:
    import numpy as np

    one, two = np.unique(one), np.unique(two)
    common = len(np.intersect1d(one, two, assume_unique=True))
    return float(common / (len(one) + len(two) - common))
