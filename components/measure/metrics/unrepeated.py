"""Whether an answer goes round in circles: the share of its runs of words that it says only once.

Degenerate decoding repeats phrases and sentences (Holtzman et al. 2020, arXiv:1904.09751; the share of repeated n-grams:
Welleck et al. 2020, arXiv:1908.04319). Runs are of three content words in canonical form (paraphrase.py), so that a loop
that changes an article is one. Measured on five sentences of XSum's texts: with one of them said twice, 0.99 of 362 pairs
(original, with the loop) are ordered rightly. Not covered: the same thing said in other words.
"""

from components.text.paraphrase import stems

from . import Case, Definition

RUN = 3


def unrepeated(answer: str) -> float | None:
    """Share of the runs of three content words that are said for the first time, in [0, 1]; None below two runs."""
    content = stems(answer)
    runs = [content[start : start + RUN] for start in range(len(content) - RUN + 1)]
    return len(set(runs)) / len(runs) if len(runs) > 1 else None


def _of(case: Case) -> float | None:
    return None if case.abstained else unrepeated(case.text)


METRICS = (Definition(name="unrepeated", meaning="share of an answer that repeats nothing", per_example=_of),)
