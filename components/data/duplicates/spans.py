"""Exact runs of n tokens or more that stood before are cut (Lee et al. 2022, arXiv:2107.06499, "exact substring").

The paper finds them by a suffix array over the corpus. Runs of at least n tokens are found as well by sorting the hashes of
all runs of exactly n: some arrays of eight bytes a token. Tokens are what stands between spaces.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..documents import COMPARED, Cut, Document, Found, of_part
from .tokens import Tokens, run_hashes

if TYPE_CHECKING:
    import numpy as np

_TOKEN = re.compile(r"\S+")


def find(size: int, documents: Sequence[Document]) -> Found:
    """Cut every run of `size` tokens or more but where it stands first. What is cut from one document stays in another, or
    earlier in the same one."""
    cut: dict[int, list[Cut]] = {}
    for part in COMPARED:
        cut |= _of_part(size, documents, of_part(documents, part))
    return Found(cut=cut)


def _of_part(size: int, documents: Sequence[Document], places: list[int]) -> dict[int, list[Cut]]:
    import numpy as np

    tokens = Tokens()
    arrays = [tokens.array(documents[place].text.split()) for place in places]
    hashes = [run_hashes(array, size) for array in arrays]
    again = _stood_before(hashes)
    cut: dict[int, list[Cut]] = {}
    at = 0
    for place, array, runs in zip(places, arrays, hashes, strict=True):
        repeated = again[at : at + len(runs)]
        at += len(runs)
        if not documents[place].fixed and repeated.any():
            inside = np.zeros(len(array) + 1, np.int32)
            np.add.at(inside, np.flatnonzero(repeated), 1)
            np.add.at(inside, np.flatnonzero(repeated) + size, -1)
            cut[place] = _characters(documents[place].text, np.cumsum(inside[:-1]) > 0)
    return cut


def _stood_before(hashes: list["np.ndarray"]) -> "np.ndarray":
    """For all runs in order, whether an equal one came earlier. Only runs that occur twice are put in order."""
    import numpy as np

    flat = np.concatenate([*hashes, np.zeros(0, np.uint64)])
    ordered = np.sort(flat)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    again = np.zeros(len(flat), bool)
    if len(twice):
        spots = np.searchsorted(twice, flat)
        candidates = np.flatnonzero(twice[np.minimum(spots, len(twice) - 1)] == flat)
        _, first = np.unique(flat[candidates], return_index=True)
        again[candidates] = True
        again[candidates[first]] = False
    return again


def _characters(text: str, inside: "np.ndarray") -> list[Cut]:
    """Token flags as runs of characters."""
    cuts: list[Cut] = []
    start = end = count = 0
    for token, flag in zip(_TOKEN.finditer(text), inside, strict=True):
        if flag:
            start, count = (start, count + 1) if count else (token.start(), 1)
            end = token.end()
        elif count:
            cuts.append((start, end, f"{count} tokens stood before"))
            count = 0
    return [*cuts, (start, end, f"{count} tokens stood before")] if count else cuts
