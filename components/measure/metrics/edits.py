"""Edit-based F0.5 of a rewritten text: of the words that it changed, which the reference changes so too, and the other way
round (the figure of grammatical error correction: Dahlmeier and Ng 2012, NAACL; precision weighs twice: Ng et al. 2014).

An edit is one word of the input replaced, deleted, or one put in, by the shortest alignment (nltk's) of the input with the
answer and with the reference; it is right where the reference has the same one at the same place. Over a table all edits
count alike; `text_edit_f05` is the F0.5 of one text. Copying the input has 0, unless nothing is to be changed.

ERRANT (Bryant et al. 2017) is not used: its alignment and merging need a spaCy model (`en_core_web_sm`, on no registry), and
it is English alone. The edits are those of ERRANT 3.0.2's `-lev -merge all-split`, which need neither; 2,000 random pairs of
texts gave the same ones. Not covered: several right references, kinds of error, edits of several words as one, what lies
behind word 1,000.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING

import regex

from components.core import Example
from components.text import same
from components.text.words import LETTER, UNSPACED

from ..statistic import Statistic
from . import Case, Definition

if TYPE_CHECKING:
    import numpy as np

LONGEST = 1000
"""Words of a text that are compared: two texts of so many take 2 s, and nltk refuses more than 2,000."""
Edit = tuple[int, int, str]
"""Start and end among the words of the input, and the word that stands there instead ("": none)."""
_WORDS = regex.compile(rf"(?V1){LETTER}+(?:['’.,-]{LETTER}+)*|{UNSPACED}\p{{M}}*|\S")


def edits(source: str, text: str) -> Counter[Edit]:
    """What makes `text` of `source`, word by word; case and punctuation count. It takes time in the product of their
    lengths: 0.1 s for two texts of 150 words that share nothing."""
    return Counter(_edits(_words(source), _words(text)))


def _words(text: str) -> tuple[str, ...]:
    """Words and signs as they are written; scripts without spaces, and Korean, sign by sign."""
    return tuple(_WORDS.findall(same(text))[:LONGEST])


@lru_cache(maxsize=4096)  # a reference's are needed for every candidate
def _edits(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Edit, ...]:
    from nltk.metrics.distance import edit_distance_align

    # of alignments of equal length nltk takes the first of: replace, skip in its first text, in its second one. ERRANT puts
    # in before it deletes: so the new text is the first one
    path = [(i, j) for j, i in edit_distance_align(after, before)]
    steps = pairwise(path)
    found = ((i, k, "".join(after[j:m])) for (i, j), (k, m) in steps)
    return tuple(edit for edit in found if edit[2] != "".join(before[edit[0] : edit[1]]))


def counts(source: str, answer: str, reference: str) -> tuple[int, int, int]:
    """(right edits, edits of the answer, edits of the reference)"""
    made, wanted = edits(source, answer), edits(source, reference)
    return (made & wanted).total(), made.total(), wanted.total()


def _of_text(case: Case) -> float:
    right, made, wanted = counts(case.row.text, case.text, case.row.answer)
    return 1.25 * right / (made + 0.25 * wanted) if made + wanted else 1.0  # nothing to change, and nothing changed


def _over(by_made: int, by_wanted: int, rows: Sequence[Example]) -> Statistic:
    """Right edits over the weighted mean of those made and those wanted; whole weights, so that an oracle has exactly 1."""
    import numpy as np

    columns = np.array([counts(row["text"], row["answer"], row["reference"]) for row in rows], dtype=float)

    def of(sums: "np.ndarray") -> "np.ndarray":
        right, made, wanted = (sums[..., column] for column in range(3))
        below = by_made * made + by_wanted * wanted
        return np.divide(
            (by_made + by_wanted) * right, below, out=np.array(made + wanted == 0, dtype=float), where=below > 0
        )

    return Statistic(columns, of)


def _figure(name: str, by_made: int, by_wanted: int, meaning: str, is_goal: bool = False) -> Definition:
    of: Callable[[Sequence[Example]], Statistic] = partial(_over, by_made, by_wanted)
    return Definition(name=name, meaning=meaning, over_table=of, is_goal=is_goal)


NAMES = ("edit_f05", "edit_precision", "edit_recall", "text_edit_f05")
METRICS = (
    _figure("edit_f05", 4, 1, "changed words against those of the reference, precision weighs twice (F0.5)", is_goal=True),
    _figure("edit_precision", 1, 0, "share of the changed words that the reference changes so too"),
    _figure("edit_recall", 0, 1, "share of the reference's changed words that were changed so"),
    Definition(name="text_edit_f05", meaning="edit_f05 text by text, averaged", per_example=_of_text),
)
