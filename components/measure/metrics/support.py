"""How much of an answer its own sources say: words and pairs of words, in canonical form, that stand there.

A claim is a content word (a name, a number, any other) or two that follow each other. Names and numbers that are not in the
source are what readers call hallucinated (Nan et al. 2021, arXiv:2102.09130); pairs that are new find what is put together
wrongly from right words (the share of novel n-grams: See et al. 2017, arXiv:1704.04368). Numbers have one form however they
are written, other words are stemmed, stop words play no part (paraphrase.py).

Measured on planted faults, n texts, share of pairs (original, with the fault) that it orders rightly, ties half:

    371  Factual-Summary-Pairs (Falke et al. 2019), right against wrong summary sentence    0.77
    399  first three sentences, one name or number of another text instead                  1.00
    361  the same, one of the same text in the wrong place                                  0.98
    400  summary of another text                                                            0.99
    355  a person's free summary (XSum), one name or number of another text instead         0.83
    349  the same, one of the same text in the wrong place                                  0.34

So it does **not** see a name that the text holds in the wrong place of a summary in free words: that needs a model of
entailment. A right paraphrase in other words counts as unsupported: a figure to compare answers by, not a share of lies.
"""

from collections.abc import Sequence
from itertools import pairwise

from components.text.paraphrase import stems

from . import Case, Definition


def support(answer: str, sources: Sequence[str]) -> float | None:
    """Share of the claims of `answer` that stand in `sources`, in [0, 1]: mean over words and over neighbouring words. None
    where it claims nothing (no content word) or there is no source."""
    claimed = stems(answer)
    if not claimed or not sources:
        return None
    read = [stems(source) for source in sources]
    words = {word for source in read for word in source}
    pairs = {pair for source in read for pair in pairwise(source)}
    follow = list(pairwise(claimed))
    known = sum(word in words for word in claimed) / len(claimed)
    together = sum(pair in pairs for pair in follow) / len(follow) if follow else known
    return (known + together) / 2


def _of(case: Case) -> float | None:
    return None if case.abstained else support(case.text, case.sources)  # an abstention claims nothing


METRICS = (
    Definition(
        name="support", meaning="share of an answer's words, alone and in pairs, that its sources hold", per_example=_of
    ),
)
