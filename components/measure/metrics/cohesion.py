"""Whether the sentences of an answer speak of the same things: the share of each one's words that another one says too.

What holds a text together first is that its entities come back (Barzilay and Lapata 2008, doi:10.1162/coli.2008.34.1.1, take
the grid of them; here any content word in canonical form counts, paraphrase.py). Measured, a sentence of another text in the
place of one, share of pairs (original, with it) ordered rightly, ties half: five sentences of XSum's texts 0.87 of 455, of
NarrativeQA's plots 0.92 of 101, of Disfl-QA's passages 0.90 of 471; three sentences 0.78 of 496 news texts.

A text that repeats itself is cohesive too: read it beside unrepeated.py. Not covered: the order of sentences. By words that
neighbours share, by first mentions (Elsner and Charniak 2008: "a" before "the", full names first) and by how a text opens,
it was told from a shuffled one in 0.56 of 455 news texts, 0.63 of 471 passages and 0.75 of 101 plots: too seldom.
"""

from components.text import sentences
from components.text.paraphrase import stems

from . import Case, Definition


def cohesion(answer: str) -> float | None:
    """Mean over the sentences of `answer` of the share of content words that another sentence holds, in [0, 1]; None below
    three sentences."""
    stemmed = [words for sentence in sentences(answer) if (words := set(stems(sentence)))]
    if len(stemmed) < 3:
        return None
    others = [set().union(*stemmed[:place], *stemmed[place + 1 :]) for place in range(len(stemmed))]
    return sum(len(words & rest) / len(words) for words, rest in zip(stemmed, others, strict=True)) / len(stemmed)


def _of(case: Case) -> float | None:
    return None if case.abstained else cohesion(case.text)


METRICS = (
    Definition(
        name="cohesion", meaning="share of a sentence's words that another sentence of the answer says too", per_example=_of
    ),
)
